import numpy as np
import pytest

from benchmarks.lexical import bm25, z_sum
from tests.training.small_data import ints
from training.ragged import FloatArray

DOCUMENTS = ["a red lamp for the desk", "a red pan", "garden chairs, green chairs", "the desk"]


def test_bm25_prefers_rare_words_and_short_documents() -> None:
    score = bm25(DOCUMENTS, ["red lamp", "desk", "the", "submarine"])
    scores = score(ints(0, 1, 2, 3))
    assert scores.shape == (4, 4)
    assert scores.dtype == np.float32
    assert np.argsort(-scores[0])[:2].tolist() == [0, 1]
    assert scores[1].argmax() == 3  # the same word in a shorter text
    assert not scores[2:].any()  # a stop word and an unknown word say nothing
    np.testing.assert_array_equal(score(ints(1)), scores[1:2])


def test_z_scores_make_scales_comparable_and_constants_harmless() -> None:
    first = np.array([[0.0, 0.1, 0.2], [1, 1, 1]], dtype=np.float32)
    second = np.array([[300.0, 100.0, 200.0], [5, 6, 7]], dtype=np.float32)

    def scores(values: FloatArray) -> FloatArray:
        return z_sum(lambda rows: values[rows], lambda rows: second[rows])(ints(0, 1))

    summed = scores(first)
    assert summed[0] == pytest.approx([0, -(1.5**0.5), 1.5**0.5], abs=1e-5)  # -1 + 1, 0 - 1, 1 + 0 deviations
    np.testing.assert_allclose(scores(first * 1000 + 7), summed, atol=1e-3)
    assert summed[1] == pytest.approx([-(1.5**0.5), 0, 1.5**0.5], abs=1e-5)
