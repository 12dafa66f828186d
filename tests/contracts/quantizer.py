"""What every quantizer owes its users: codes in range, a useful round trip, graphs that serve what was trained."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from training.errors import BadData
from training.export import export_graph
from training.parity import check_codec
from training.quantizers import QuantizerConfig
from training.quantizers.contract import Quantizer, QuantizerData

FloatArray = NDArray[np.float32]


def clustered(n: int = 600, dimension: int = 12) -> FloatArray:
    rng = np.random.default_rng(0)
    centre = rng.normal(size=(30, dimension))[rng.integers(0, 30, n)]
    return (centre + 0.2 * rng.normal(size=(n, dimension))).astype(np.float32)


class QuantizerContract:
    """Subclass with a `config` fixture of at most 32 codes a level."""

    @pytest.fixture
    def quantizer(self, config: QuantizerConfig) -> Quantizer:
        return config.fit(QuantizerData(clustered()), 0, 1)

    def codes(self, quantizer: Quantizer, rows_ND: FloatArray) -> NDArray[np.int64]:
        codes: NDArray[np.int64] = quantizer.encode(torch.from_numpy(rows_ND)).numpy()
        return codes

    def test_codes_are_in_range(self, quantizer: Quantizer) -> None:
        code_NL = self.codes(quantizer, clustered())
        assert code_NL.dtype == np.int64
        assert code_NL.shape == (600, len(quantizer.codebook_sizes))
        assert (code_NL >= 0).all()
        assert (code_NL < quantizer.codebook_sizes).all()

    def test_each_level_brings_the_decoded_nearer(self, quantizer: Quantizer) -> None:
        rows_ND = clustered()
        residual_ND = rows_ND.copy()
        spread = [float(np.square(rows_ND - rows_ND.mean(0)).sum())]
        code_NL = self.codes(quantizer, rows_ND)
        for level, codebook_KD in enumerate(quantizer.codebooks):
            residual_ND -= codebook_KD[code_NL[:, level]]
            spread.append(float(np.square(residual_ND).sum()))
        assert spread == sorted(spread, reverse=True)
        decoded_ND = quantizer.decode(torch.from_numpy(code_NL)).numpy()
        np.testing.assert_allclose(rows_ND - decoded_ND, residual_ND, atol=1e-5)

    def test_a_row_has_the_same_codes_alone_and_among_others(self, quantizer: Quantizer) -> None:
        rows_ND = clustered()
        together = self.codes(quantizer, rows_ND)
        alone = np.concatenate([self.codes(quantizer, rows_ND[i : i + 1]) for i in range(100)])
        np.testing.assert_array_equal(alone, together[:100])
        turned = np.random.default_rng(1).permutation(600)
        np.testing.assert_array_equal(self.codes(quantizer, rows_ND[turned]), together[turned])

    def test_equal_seeds_give_equal_codebooks(self, config: QuantizerConfig, quantizer: Quantizer) -> None:
        again = config.fit(QuantizerData(clustered()), 0, 1)
        for mine, theirs in zip(again.codebooks, quantizer.codebooks, strict=True):
            np.testing.assert_array_equal(mine, theirs)

    def test_the_graphs_serve_what_was_trained(self, quantizer: Quantizer, tmp_path: Path) -> None:
        levels, encode, decode = len(quantizer.codebook_sizes), tmp_path / "encode.onnx", tmp_path / "decode.onnx"
        batch = {0: "batch"}
        export_graph(quantizer.encode, {"embedding": torch.zeros(3, 12)}, {"embedding": batch}, "codes", encode)
        codes = torch.zeros(3, levels, dtype=torch.int64)
        export_graph(quantizer.decode, {"codes": codes}, {"codes": batch}, "embedding", decode)
        parity = check_codec(quantizer.encode, quantizer.decode, clustered(), encode, decode)
        assert parity.equal_codes is not None
        assert parity.equal_codes >= 0.999
        assert parity.max_difference <= 1e-5

    def test_fewer_items_than_codes_is_an_error_that_names_the_setting(self, config: QuantizerConfig) -> None:
        with pytest.raises(BadData, match=r"quantizer\.(codebook_size to at most \d|grid shorter)"):
            config.fit(QuantizerData(clustered(3)), 0, 1)
