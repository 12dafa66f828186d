import numpy as np
import pytest

from evaluation.errors import QueriesDiffer
from evaluation.paired import compare_paired, corrected_together

LEFT = {"ndcg@10": np.array([0.0, 0.5, 1.0, 0.25]), "map": np.array([0.1, 0.2, 0.3, 0.4])}
RIGHT = {"map": np.array([0.2, 0.2, 0.3, 0.4 + 1e-15]), "ndcg@10": np.array([1.0, 0.0, 1.0, 0.5])}


def test_by_hand() -> None:
    ndcg, mean_precision = compare_paired(LEFT, RIGHT)
    assert (ndcg.metric, ndcg.left, ndcg.right) == ("ndcg@10", 0.4375, 0.625)
    assert (ndcg.wins, ndcg.losses, ndcg.ties) == (2, 1, 1)
    assert ndcg.difference.mean == 0.1875
    # Three differences, 1, -1/2 and 1/4: six of their eight sign patterns sum to 3/4 or more in size.
    assert ndcg.p_value == 0.75
    assert (mean_precision.wins, mean_precision.losses, mean_precision.ties) == (1, 0, 3)
    assert mean_precision.p_value == 1
    assert [ndcg.p_holm, mean_precision.p_holm] == [1, 1]


def test_the_other_way_round_is_the_mirror_image() -> None:
    for one, other in zip(compare_paired(LEFT, RIGHT), compare_paired(dict(LEFT), RIGHT), strict=True):
        assert one == other
    there = compare_paired(LEFT, RIGHT)[0]
    back = compare_paired({name: RIGHT[name] for name in LEFT}, LEFT)[0]
    assert (back.wins, back.losses, back.p_value) == (there.losses, there.wins, there.p_value)
    assert back.difference.mean == -there.difference.mean


def test_the_same_system_twice_ties_everywhere() -> None:
    for one in compare_paired(LEFT, LEFT):
        assert (one.ties, one.p_value, one.difference.why_none) == (4, 1, "all values are equal")


def test_other_queries_cannot_be_paired() -> None:
    with pytest.raises(QueriesDiffer, match="4 queries on the left and 3 on the right"):
        compare_paired(LEFT, {name: values[:3] for name, values in RIGHT.items()})


def test_several_systems_are_corrected_together() -> None:
    rng = np.random.default_rng(0)
    better = {name: values.repeat(20) + rng.random(80) for name, values in LEFT.items()}
    left = {name: values.repeat(20) for name, values in LEFT.items()}
    alone = compare_paired(left, better)
    together = corrected_together([alone, compare_paired(left, {name: v + 0 for name, v in left.items()})])
    assert together[0][0].p_holm == pytest.approx(4 * alone[0].p_value)
    assert together[0][0].p_value == alone[0].p_value
