"""Finite scalar quantization: steps by hand, directions in order of strength, what it refuses."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from training.errors import BadData
from training.quantizers.contract import QuantizerData
from training.quantizers.fsq import FsqConfig, FsqEncoder


def test_steps_by_hand() -> None:
    """Three values: the borders are at tanh(.8 z) = -1/3 and 1/3, so at |z| = .433; four: the middle is one."""
    encoder = FsqEncoder(torch.zeros(2), torch.eye(2), torch.tensor([3, 4]), levels=1)
    rows = torch.tensor([[0.0, 0.3], [0.42, -0.3], [0.45, 9.0], [-0.45, -9.0]])
    assert encoder.steps(rows).tolist() == [[1, 2], [1, 1], [2, 3], [0, 0]]
    assert encoder(rows).ravel().tolist() == [1 * 4 + 2, 1 * 4 + 1, 2 * 4 + 3, 0]


def test_the_strongest_direction_is_the_first_code() -> None:
    rng = np.random.default_rng(0)
    rows_ND = (rng.normal(size=(500, 3)) * [0.1, 5.0, 1.0]).astype(np.float32)
    quantizer = FsqConfig(levels=2, grid=(4,)).fit(QuantizerData(rows_ND), 0, 1)
    code_NL = quantizer.encode(torch.from_numpy(rows_ND)).numpy()
    assert abs(np.corrcoef(code_NL[:, 0], rows_ND[:, 1])[0, 1]) > 0.9
    assert abs(np.corrcoef(code_NL[:, 1], rows_ND[:, 2])[0, 1]) > 0.9
    share_K = np.bincount(code_NL[:, 0], minlength=4) / 500
    assert share_K.min() > 0.1, "normal values use the steps about evenly"


def test_a_constant_embedding_has_one_code_and_decodes_to_itself() -> None:
    rows_ND = np.full((20, 3), 2.0, dtype=np.float32)
    quantizer = FsqConfig(levels=1, grid=(2, 2)).fit(QuantizerData(rows_ND), 0, 1)
    code_NL = quantizer.encode(torch.from_numpy(rows_ND))
    assert len(code_NL.unique(dim=0)) == 1
    np.testing.assert_allclose(quantizer.decode(code_NL).numpy(), rows_ND, atol=1e-5)


def test_what_cannot_be_a_grid_is_refused() -> None:
    with pytest.raises(ValidationError, match="direction of one value"):
        FsqConfig(grid=(4, 1))
    with pytest.raises(ValidationError, match="64 bits"):
        FsqConfig(levels=8, grid=(16, 16, 16))
    with pytest.raises(BadData, match="embeddings of 3 numbers have no 4 directions"):
        FsqConfig(levels=2, grid=(2, 2)).fit(QuantizerData(np.zeros((9, 3), dtype=np.float32)), 0, 1)
