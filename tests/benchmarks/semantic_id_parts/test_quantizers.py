import numpy as np
import pytest

from benchmarks.semantic_id_parts.quantizers import QUANTIZERS, measures, nearest, overlap
from tests.contracts.quantizer import clustered
from training.quantizers.contract import QuantizerData
from training.quantizers.residual import ResidualConfig
from training.semantic_ids import fit_semantic_ids


def test_no_query_is_its_own_neighbour() -> None:
    corpus = np.array([[1.0, 0.0], [0.9, 0.0], [0.0, 1.0]], dtype=np.float32)
    assert nearest(corpus, corpus, np.array([0, 2]), 1).tolist() == [[1], [0]]


def test_overlap_by_hand() -> None:
    assert overlap(np.array([[1, 2], [3, 4]]), np.array([[2, 9, 1], [8, 4, 7]])) == pytest.approx(0.75)


def test_a_finer_quantizer_keeps_more_neighbours() -> None:
    vectors_ND, queries_Q = clustered(), np.arange(100)
    exact_QK = nearest(vectors_ND, vectors_ND, queries_Q, 10)
    coarse, fine = (
        measures(fit_semantic_ids(ResidualConfig(levels=n, codebook_size=32), QuantizerData(vectors_ND), 0, 1), *given)
        for n, given in ((1, (queries_Q, exact_QK)), (3, (queries_Q, exact_QK)))
    )
    assert fine["recall@10-in-10"] > coarse["recall@10-in-10"]
    assert fine["unique"] > coarse["unique"]
    assert "residual" in QUANTIZERS
