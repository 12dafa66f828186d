import numpy as np
import pytest

from index.fusion import POOL, Candidates, Fusion, best_first, z_scores


def candidates(dense: list[float], lexical: list[float], dense_rank: list[int], lexical_rank: list[int]) -> Candidates:
    return Candidates(
        np.arange(len(dense)),
        np.array(dense, dtype=np.float32),
        np.array(lexical, dtype=np.float32),
        np.array(dense_rank),
        np.array(lexical_rank),
    )


# Dense 1, 3, 5: mean 3, deviation sqrt(8 / 3). Words 0, 0, 6: mean 2, deviation sqrt(8).
THREE = candidates([5, 3, 1], [0, 0, 6], [1, 2, 3], [0, 0, 1])
DENSE_Z = [1.5**0.5, 0, -(1.5**0.5)]
LEXICAL_Z = [-(0.5**0.5), -(0.5**0.5), 2**0.5]


def test_z_scores_by_hand() -> None:
    dense_C, lexical_C = z_scores(THREE)
    assert dense_C.tolist() == pytest.approx(DENSE_Z)
    assert lexical_C.tolist() == pytest.approx(LEXICAL_Z)
    expected = [(one + other) / 2 for one, other in zip(DENSE_Z, LEXICAL_Z, strict=True)]
    assert Fusion("z_score").scores(THREE).tolist() == pytest.approx(expected)


@pytest.mark.parametrize("weight", [0.0, 0.25, 1.0])
def test_weighted_is_the_convex_combination(weight: float) -> None:
    expected = [weight * one + (1 - weight) * other for one, other in zip(DENSE_Z, LEXICAL_Z, strict=True)]
    assert Fusion("weighted", weight).scores(THREE).tolist() == pytest.approx(expected)


def test_the_weight_of_weighted_does_not_touch_z_score() -> None:
    assert Fusion("z_score", 0.9).scores(THREE).tolist() == Fusion("z_score").scores(THREE).tolist()


def test_reciprocal_ranks_by_hand() -> None:
    scores = Fusion("reciprocal_rank").scores(candidates([9, 8, 7], [0, 2, 1], [1, 2, 0], [0, 1, 2]))
    assert scores.tolist() == pytest.approx([1 / 61, 1 / 62 + 1 / 61, 1 / 62])


def test_the_statistics_are_those_of_the_pool() -> None:
    """A candidate below rank POOL in both rankings has a z-score, but does not change that of the others."""
    longer = candidates([5, 3, 1, -90], [0, 0, 6, 50], [1, 2, 3, POOL + 1], [0, 0, 1, POOL + 1])
    for ours, expected in zip(z_scores(longer), (DENSE_Z, LEXICAL_Z), strict=True):
        assert ours[:3].tolist() == pytest.approx(expected)
    assert z_scores(longer)[0][3] == pytest.approx((-90 - 3) / (8 / 3) ** 0.5)
    within = candidates([5, 3, 1, -90], [0, 0, 6, 50], [1, 2, 3, POOL + 1], [0, 0, 1, POOL])
    assert z_scores(within)[0][0] != pytest.approx(DENSE_Z[0])


def test_where_no_word_matches_the_embedding_decides() -> None:
    alike = candidates([0.3, 0.9, 0.7], [0, 0, 0], [3, 1, 2], [0, 0, 0])
    for name in ("z_score", "weighted", "reciprocal_rank"):
        scores = Fusion(name).scores(alike)
        assert np.isfinite(scores).all()
        assert np.argsort(-scores).tolist() == [1, 2, 0]


def test_scale_and_origin_of_a_score_do_not_matter() -> None:
    scaled = candidates([105, 103, 101], [0, 0, 0.06], [1, 2, 3], [0, 0, 1])
    np.testing.assert_allclose(Fusion().scores(scaled), Fusion().scores(THREE), rtol=1e-4, atol=1e-5)


def test_no_candidates_have_no_scores() -> None:
    assert Fusion().scores(candidates([], [], [], [])).tolist() == []


def test_equal_scores_come_in_the_order_of_their_rows() -> None:
    score_C, row_C = np.array([1, 2, 1, 2], dtype=np.float32), np.array([7, 9, 3, 4])
    assert best_first(score_C, row_C, 3).tolist() == [3, 1, 2]
