from collections.abc import Sequence

import numpy as np
import pytest
import torch

from tests.training.click_models.toy import toy_lists
from training.click_models.dla import DualLearningLoss
from training.click_models.findings import FEW_CLICKS, Movement, findings, movement
from training.click_models.ipw import IpwLoss
from training.click_models.log import ClickLog
from training.click_models.naive import NaiveLoss
from training.click_models.simulate import ClickSimulation, simulate


def shown(pairs: Sequence[Sequence[int]], clicks: int = FEW_CLICKS) -> ClickLog:
    """Lists of these pairs, repeated until every place has enough clicks."""
    pair_QK = np.array(pairs, dtype=np.int64)
    pair_QK = np.concatenate([pair_QK] * -(-clicks // len(pair_QK)))
    mask = np.ones(pair_QK.shape, dtype=np.bool_)
    places = np.tile(np.arange(1, pair_QK.shape[1] + 1), (len(pair_QK), 1))
    return ClickLog(pair_QK, mask, mask, places, int(pair_QK.max()) + 1)


def learned(*propensities: float, max_weight: float = 100.0) -> DualLearningLoss:
    loss = DualLearningLoss(len(propensities), max_weight)
    with torch.no_grad():
        loss.examination_P.copy_(torch.tensor(propensities).log())
    return loss


def codes(log: ClickLog, loss: DualLearningLoss | None = None) -> list[str]:
    return [finding.code for finding in findings(log, loss)]


VARIED = shown([[0, 1, 2], [1, 0, 2], [2, 1, 0]])


def test_movement_counts_pairs_shown_again_and_those_that_changed_place() -> None:
    assert movement(shown([[0, 1, 2], [1, 0, 2]], clicks=1)) == Movement(repeated=3, moved=2)
    assert movement(shown([[0, 1], [2, 3]], clicks=1)) == Movement(0, 0)


def test_a_varied_log_with_clicks_and_falling_propensities_has_no_findings() -> None:
    assert codes(VARIED, learned(1, 0.5, 0.3)) == []


def test_the_same_order_always_is_deterministic_logging() -> None:
    found = findings(shown([[0, 1, 2], [3, 4, 5]]))
    assert [finding.code for finding in found] == ["deterministic-logging"]
    assert "Of 6 items shown more than once for a query, 0 stood at more than one place" in found[0].detail


@pytest.mark.parametrize(("swaps", "expected"), [(0.0, True), (0.02, False)])
def test_a_few_random_swaps_are_enough_to_tell(swaps: float, expected: bool) -> None:
    _, lists = toy_lists(50)
    log = simulate(lists, ClickSimulation(places=5, swap_share=swaps), 20_000, np.random.default_rng(0))
    assert ("deterministic-logging" in codes(log)) is expected


def test_a_log_that_repeats_nothing_says_that_it_cannot_be_told() -> None:
    log = shown(np.arange(300).reshape(100, 3).tolist())
    assert codes(log) == ["no-repeated-pairs"]


def test_places_with_few_clicks_are_named() -> None:
    log = shown([[0, 1, 2], [1, 0, 2], [2, 1, 0]])
    click = log.click_QK.copy()
    click[FEW_CLICKS - 1 :, 1] = False
    quiet = ClickLog(log.pair_QK, click, log.mask_QK, log.position_QK, log.n_pairs)
    found = findings(quiet)
    assert [finding.code for finding in found] == ["few-clicks"]
    assert "Place 2 has fewer than 100 clicks (the fewest: 99)" in found[0].detail


def test_propensities_that_rise_are_named_and_noise_is_not() -> None:
    assert codes(VARIED, learned(1, 0.5, 0.8)) == ["propensities-not-decreasing"]
    assert "Place 3 is taken" in findings(VARIED, learned(1, 0.5, 0.8))[0].detail
    assert codes(VARIED, learned(1, 0.5, 0.52)) == []
    assert codes(VARIED, learned(1, 0.02, 0.03)) == []


def test_propensities_at_the_clip_are_named() -> None:
    assert codes(VARIED, learned(1, 0.5, 0.1, max_weight=10.0)) == ["propensities-at-the-clip"]
    assert "at place 3 weigh max_weight = 5," in findings(VARIED, learned(1, 0.5, 0.1, max_weight=5))[0].detail
    assert codes(VARIED, learned(1, 0.5, 0.21, max_weight=5.0)) == []


def test_given_propensities_may_rise_but_not_pass_the_clip_unsaid() -> None:
    given = np.array([1.0, 0.1, 0.5], dtype=np.float32)
    assert findings(VARIED, IpwLoss(given, 100.0)) == [] == findings(VARIED, NaiveLoss(3))
    assert [finding.code for finding in findings(VARIED, IpwLoss(given, 5.0))] == ["propensities-at-the-clip"]
