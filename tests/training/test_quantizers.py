"""The quantizers against the contract, FAISS, and metrics worked out by hand."""

import faiss
import numpy as np
import pytest
import torch
from pydantic import ValidationError

from tests.contracts.quantizer import QuantizerContract, clustered
from training.quantizers.contract import QuantizerData
from training.quantizers.fsq import FsqConfig
from training.quantizers.graphs import BeamEncoder
from training.quantizers.metrics import duplicates, gini, perplexity, quantizer_metrics
from training.quantizers.residual import ResidualConfig
from training.quantizers.residual_kmeans import ResidualKMeansConfig


@pytest.mark.parametrize(
    "config",
    [
        ResidualConfig(codebook_size=16),
        ResidualConfig(levels=2, codebook_size=32, beam=1),
        ResidualConfig(codebook_size=16, beam=5, training_beam=5, refine=False),
        ResidualKMeansConfig(codebook_size=20),
        ResidualKMeansConfig(levels=2, codebook_size=16, assign="balanced"),
        FsqConfig(levels=3, grid=(4, 3)),
        FsqConfig(levels=2, grid=(2, 5)),
    ],
    ids=lambda config: config.kind,
)
class TestEveryQuantizer(QuantizerContract):
    pass


@pytest.mark.parametrize("beam", [1, 5, 40])
def test_codes_are_those_of_faiss(beam: int) -> None:
    rows_ND = clustered(1000, 16)
    ours = ResidualConfig(levels=3, codebook_size=32, beam=beam).fit(QuantizerData(rows_ND), 0, 1)
    theirs = faiss.ResidualQuantizer(16, 3, 5)
    theirs.train_type = faiss.ResidualQuantizer.Train_progressive_dim | faiss.ResidualQuantizer.Train_refine_codebook
    theirs.max_beam_size = 1
    theirs.cp.seed = 1
    theirs.cp.min_points_per_centroid = 1
    faiss.omp_set_num_threads(1)
    theirs.train(rows_ND)
    theirs.max_beam_size = beam
    bits = np.unpackbits(theirs.compute_codes(rows_ND), axis=1, bitorder="little")[:, :15].reshape(-1, 3, 5)
    expected_NL = (bits * (1 << np.arange(5))).sum(2)
    code_NL = ours.encode(torch.from_numpy(rows_ND)).numpy()
    assert (code_NL == expected_NL).all(1).mean() >= 0.999


def test_a_beam_finds_what_greedy_misses() -> None:
    """x = 3: greedy takes 4 and then can only add 0 or -3; the best sum is 1 + 2."""
    codebooks_LKD = torch.tensor([[[4.0], [1.0]], [[2.0], [-3.0]]])
    x = torch.tensor([[3.0]])
    assert BeamEncoder(codebooks_LKD, 1)(x).tolist() == [[0, 1]]
    assert BeamEncoder(codebooks_LKD, 2)(x).tolist() == [[1, 0]]


def test_clusters_of_clusters_are_coded_without_error() -> None:
    rows_ND = np.array([[100 * a + b] for a in range(3) for b in (-1, 1)], dtype=np.float32).repeat(8, axis=0)
    quantizer = ResidualConfig(levels=2, codebook_size=4, beam=4, refine=False).fit(QuantizerData(rows_ND), 0, 1)
    code = quantizer.encode(torch.from_numpy(rows_ND))
    np.testing.assert_allclose(quantizer.decode(code).numpy(), rows_ND, atol=1e-3)


def test_gini_by_hand() -> None:
    assert gini(np.array([1, 1, 1, 1])) == 0
    assert gini(np.array([0, 0, 0, 4])) == pytest.approx(0.75)
    assert gini(np.array([1, 2, 3, 4])) == pytest.approx(0.25)


def test_perplexity_by_hand() -> None:
    assert perplexity(np.array([1, 2, 3, 4])) == pytest.approx(3.5961, abs=1e-4)
    assert perplexity(np.array([2, 1, 1])) == pytest.approx(2.8284, abs=1e-4)
    assert perplexity(np.array([0, 7, 0])) == 1


def test_duplicates_are_counted_two_ways() -> None:
    excess, share = duplicates(np.array([[0, 1], [0, 1], [0, 1], [2, 2], [3, 0]]))
    assert excess == pytest.approx(0.4)
    assert share == pytest.approx(0.6)


def test_metrics_of_a_collapsed_quantizer() -> None:
    code_NL = np.zeros((4, 2), dtype=np.int64)
    embedding_ND = np.array([[1.0], [-1.0], [3.0], [-3.0]], dtype=np.float32)
    metrics = quantizer_metrics(code_NL, (2, 4), embedding_ND, np.zeros((4, 1), dtype=np.float32))
    assert metrics["usage@1"] == 0.5
    assert metrics["usage@2"] == 0.25
    assert metrics["perplexity@2"] == 1
    assert metrics["dup_excess@2"] == 0.75
    assert metrics["dup_share@2"] == 1
    assert metrics["relative_error"] == pytest.approx(1)


def test_a_codebook_that_is_no_power_of_two_is_refused_naming_the_next() -> None:
    with pytest.raises(ValidationError, match="use 64 or 128"):
        ResidualConfig(codebook_size=100)


def test_more_bits_than_faiss_can_train_are_refused_naming_what_fits() -> None:
    assert ResidualConfig(levels=8, codebook_size=256).levels == 8
    with pytest.raises(ValidationError, match="8 levels of 12 bits.*96 bits.*levels to at most 5.*at most 256"):
        ResidualConfig(levels=8, codebook_size=4096)
