"""Residual k-means: what it recovers, what balancing changes, what it refuses."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from tests.contracts.quantizer import clustered
from training.quantizers.contract import Quantizer, QuantizerData
from training.quantizers.metrics import perplexity
from training.quantizers.residual_kmeans import ResidualKMeansConfig


def codes(quantizer: Quantizer, rows_ND: np.ndarray) -> np.ndarray:
    found: np.ndarray = quantizer.encode(torch.from_numpy(rows_ND)).numpy()
    return found


def test_clusters_of_clusters_are_recovered() -> None:
    rows_ND = np.array([[100 * a + b] for a in range(3) for b in (-1, 1)], dtype=np.float32).repeat(8, axis=0)
    quantizer = ResidualKMeansConfig(levels=2, codebook_size=3).fit(QuantizerData(rows_ND), 0, 1)
    code_NL = codes(quantizer, rows_ND)
    outer_N = np.repeat(np.arange(3), 16)
    assert len({(a, b) for a, b in zip(code_NL[:, 0].tolist(), outer_N.tolist(), strict=True)}) == 3
    np.testing.assert_allclose(quantizer.decode(torch.from_numpy(code_NL)).numpy(), rows_ND, atol=2e-3)


def test_balancing_evens_the_use_of_codes() -> None:
    """A dense heap and a thin cloud: k-means leaves most codes to the cloud."""
    rng = np.random.default_rng(0)
    heap, cloud = rng.normal(0, 0.05, (1800, 4)), rng.normal(4, 2.0, (200, 4))
    data = QuantizerData(np.concatenate([heap, cloud]).astype(np.float32))
    use = {}
    for assign in ("greedy", "balanced"):
        quantizer = ResidualKMeansConfig(levels=1, codebook_size=32, assign=assign).fit(data, 0, 1)
        use[assign] = perplexity(np.bincount(codes(quantizer, data.embedding_ND)[:, 0], minlength=32))
    assert use["balanced"] > 1.5 * use["greedy"]


def test_any_number_of_codes_that_a_key_can_hold() -> None:
    quantizer = ResidualKMeansConfig(levels=1, codebook_size=7).fit(QuantizerData(clustered()), 0, 1)
    assert quantizer.codebook_sizes == (7,)
    with pytest.raises(ValidationError, match="8 levels of up to 4096 codes.*at most 256 codes"):
        ResidualKMeansConfig(levels=8, codebook_size=4096)
