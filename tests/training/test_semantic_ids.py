import numpy as np
import pytest
import torch

from tests.contracts.quantizer import clustered
from training.quantizers import codes
from training.quantizers.contract import QuantizerData
from training.quantizers.graphs import BeamEncoder
from training.quantizers.residual import ResidualConfig
from training.semantic_ids import fit_semantic_ids


def test_codes_and_metrics_are_those_of_the_whole_catalogue() -> None:
    fitted = fit_semantic_ids(ResidualConfig(levels=2, codebook_size=16, beam=2), QuantizerData(clustered()), 0, 1)
    assert fitted.code_NL.shape == (600, 2)
    assert fitted.metrics["dup_excess@2"] == 1 - len(np.unique(fitted.code_NL, axis=0)) / 600
    decoded_ND = fitted.quantizer.decode(torch.from_numpy(fitted.code_NL)).numpy()
    residual = np.square(clustered() - decoded_ND).sum(1).mean() / clustered().var(0).sum()
    np.testing.assert_allclose(fitted.metrics["relative_error"], residual, rtol=1e-4)
    assert fitted.metrics["perplexity@1"] <= 16


def test_no_more_than_a_chunk_is_coded_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    config = ResidualConfig(levels=2, codebook_size=16, beam=2)
    whole = fit_semantic_ids(config, QuantizerData(clustered()), 0, 1)
    sizes: list[int] = []
    old = BeamEncoder.forward

    def forward(self: BeamEncoder, embedding_BD: torch.Tensor) -> torch.Tensor:
        sizes.append(len(embedding_BD))
        return old(self, embedding_BD)

    monkeypatch.setattr(BeamEncoder, "forward", forward)
    monkeypatch.setattr(codes, "ROWS_A_CHUNK", 256)
    chunked = fit_semantic_ids(config, QuantizerData(clustered()), 0, 1)
    assert sizes == [256, 256, 88]
    np.testing.assert_array_equal(chunked.code_NL, whole.code_NL)
    assert chunked.metrics == pytest.approx(whole.metrics)
