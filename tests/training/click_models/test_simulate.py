from dataclasses import replace

import numpy as np
import pytest

from tests.training.click_models.toy import toy_lists
from training.click_models.simulate import ClickSimulation, GradedLists, simulate
from training.errors import BadData


def test_clicks_are_as_frequent_as_place_and_grade_say() -> None:
    """Two queries of three items; every pair of place and grade is clicked with its own probability."""
    grades = np.array([[3, 1, 0], [0, 2, 3]], dtype=np.float32)
    lists = GradedLists(grades, np.zeros_like(grades), np.ones(grades.shape, dtype=np.bool_), 3)
    config = ClickSimulation(eta=1, noise=0.1, places=3, swap_share=1)
    log = simulate(lists, config, 200_000, np.random.default_rng(0))
    assert log.grade_QK is not None
    relevance = {0: 0.1, 1: 0.1 + 0.9 / 7, 2: 0.1 + 0.9 * 3 / 7, 3: 1.0}
    for place in (1, 2, 3):
        for grade, share in relevance.items():
            at = (log.position_QK == place) & (log.grade_QK == grade)
            n, wanted = int(at.sum()), share / place
            assert abs(log.click_QK[at].mean() - wanted) < 5 * np.sqrt(wanted * (1 - wanted) / n + 1e-12) + 1e-9


def test_a_deterministic_ranker_shows_its_order_and_its_propensities() -> None:
    _, lists = toy_lists(7)
    config = ClickSimulation(eta=2, places=4, swap_share=0)
    log = simulate(lists, config, 500, np.random.default_rng(1))
    query_Q, shown_QK = log.pair_QK[:, 0] // 5, log.pair_QK % 5
    assert (log.pair_QK // 5 == query_Q[:, None]).all()
    assert (shown_QK == np.argsort(-lists.score_QC, axis=1)[query_Q, :4]).all()
    assert log.propensity_QK is not None
    assert log.propensity_QK[0].tolist() == pytest.approx([1, 1 / 4, 1 / 9, 1 / 16])
    assert log.grade_QK is not None
    assert np.array_equal(log.grade_QK, lists.grade_QC[query_Q[:, None], shown_QK])


def test_swaps_keep_the_items_of_a_list_and_move_about_the_asked_share() -> None:
    _, lists = toy_lists(7)
    plain = simulate(lists, ClickSimulation(swap_share=0), 4000, np.random.default_rng(2))
    mixed = simulate(lists, ClickSimulation(swap_share=0.1), 4000, np.random.default_rng(2))
    assert (np.sort(mixed.pair_QK, axis=1) == np.sort(plain.pair_QK, axis=1)).all()
    # A swap moves two items unless it draws its own place, one time in five.
    assert (mixed.pair_QK != plain.pair_QK).mean() == pytest.approx(0.1 * 2 * 4 / 5, rel=0.15)


def test_short_lists_are_padded_and_never_shown_or_clicked_there() -> None:
    _, lists = toy_lists(3)
    mask = np.array([[True] * 5, [True, False, True, False, False], [True] * 3 + [False] * 2])
    log = simulate(replace(lists, mask_QC=mask), ClickSimulation(swap_share=1), 2000, np.random.default_rng(3))
    assert not (log.click_QK & ~log.mask_QK).any() and (log.position_QK[~log.mask_QK] == 0).all()
    pair_V = log.pair_QK[log.mask_QK]
    assert mask[pair_V // 5, pair_V % 5].all()
    assert set(log.mask_QK.sum(1).tolist()) == {5, 2, 3}


def test_the_same_seed_gives_the_same_clicks() -> None:
    _, lists = toy_lists(4)
    one, same, other = (simulate(lists, ClickSimulation(), 100, np.random.default_rng(seed)) for seed in (4, 4, 5))
    assert (one.click_QK == same.click_QK).all() and (one.pair_QK == same.pair_QK).all()
    assert (one.click_QK != other.click_QK).any()


def test_grades_outside_the_scale_and_empty_queries_are_refused() -> None:
    _, lists = toy_lists(2)
    for wrong in (-1.0, 3.5, np.nan):
        grades = lists.grade_QC.copy()
        grades[0, 0] = wrong
        with pytest.raises(BadData, match="the scale is 0 to 3"):
            replace(lists, grade_QC=grades)
    with pytest.raises(BadData, match="query 1 has no candidate"):
        replace(lists, mask_QC=np.array([[True] * 5, [False] * 5]))
