"""Triplet alignment, against the hardest triplet that it softens."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from tests.contracts.objective import batch, with_gradients, with_one_target
from tests.training.objectives.one_query import close, one_query
from training.objectives import LossInput
from training.objectives.hardest_triplet import HardestTriplet
from training.objectives.triplet_alignment import TripletAlignment

PAPER = [[0.5, 0.45, 0.45], [0.2, 0.7, 0.1], [0.3, 0.4, 0.6]]


def of_scores(score_BM: list[list[float]], positive_BM: Tensor | None = None) -> LossInput:
    query_BD = torch.tensor(score_BM, dtype=torch.float64)
    positive_BM = torch.eye(*query_BD.shape, dtype=torch.bool) if positive_BM is None else positive_BM
    item_MD = torch.eye(query_BD.shape[1], dtype=torch.float64)
    return LossInput(query_BD, item_MD, positive_BM, torch.ones_like(positive_BM))


def from_queries(score_BM: list[list[float]], objective: TripletAlignment | HardestTriplet) -> list[float]:
    """The direction from queries alone: each query as a batch of its own."""
    rows = [one_query(row, [place]) for place, row in enumerate(score_BM)]
    return [float(objective(row).loss) for row in rows]


def test_the_direction_from_queries_by_hand() -> None:
    assert from_queries(PAPER, TripletAlignment(0.1, 0.015)) == pytest.approx([0.060397, 0, 0], abs=2e-6)
    assert from_queries(PAPER, TripletAlignment(0.1, 1e-4)) == pytest.approx([0.050069, 0, 0], abs=2e-6)
    assert from_queries(PAPER, HardestTriplet(0.1, 0.015)) == pytest.approx([0.05, 0, 0], abs=2e-6)


def test_both_directions_add_up_for_each_query() -> None:
    columns = [list(column) for column in zip(*PAPER, strict=True)]
    objective = TripletAlignment(0.3, 0.015)
    rows, back = from_queries(PAPER, objective), from_queries(columns, objective)
    output = objective(of_scores(PAPER))
    close(output.per_query_B, [left + right for left, right in zip(rows, back, strict=True)])
    assert min(back) > 0


def test_an_item_with_two_queries_is_one_anchor_whose_queries_share_its_positive_score() -> None:
    """Items 0 and 1; queries 0 and 1 want item 0, query 2 wants item 1."""
    score_BM = [[0.5, 0.4], [0.3, 0.2], [0.6, 0.7]]
    positive_BM = torch.tensor([[True, False], [True, False], [False, True]])
    margin, t = 1.0, 0.2
    weight = 1 / (1 + math.exp(-0.2 / t))  # of query 0 for item 0
    item_0 = margin - (weight * 0.5 + (1 - weight) * 0.3) + 0.6
    item_1 = margin - 0.7 + t * math.log(math.exp(0.4 / t) + math.exp(0.2 / t))
    expected = [margin - 0.5 + 0.4 + item_0, margin - 0.3 + 0.2 + item_0, margin - 0.7 + 0.6 + item_1]
    close(TripletAlignment(margin, t)(of_scores(score_BM, positive_BM)).per_query_B, expected)


def test_several_targets_of_a_query_share_its_positive_score_by_detached_weights() -> None:
    loss, _, gradient = with_gradients(TripletAlignment(1.0, 0.5), one_query([0.9, 0.4, 0.3], [0, 1]))
    weight = 1 / (1 + math.exp(-0.5 / 0.5))
    close(loss, 1.0 - (weight * 0.9 + (1 - weight) * 0.4) + 0.3)
    close(gradient, [-weight, weight - 1, 1.0])


@pytest.mark.parametrize("temperature", [0.01, 0.1, 1.0])
def test_it_lies_between_the_hardest_triplet_and_its_log_bound(temperature: float) -> None:
    given = replace(batch(dtype=torch.float64), draws_M=None)
    soft = TripletAlignment(0.2, temperature)(given).per_query_B
    hard = HardestTriplet(0.2, temperature)(given).per_query_B
    assert (soft >= hard - 1e-12).all()
    assert (soft <= hard + temperature * (math.log(8) + math.log(4))).all()
    assert (soft > hard).any()


def test_as_the_temperature_falls_it_becomes_the_hardest_triplet() -> None:
    given = with_one_target(batch(dtype=torch.float64))
    close(TripletAlignment(0.2, 1e-6)(given).loss, float(HardestTriplet(0.2, 1e-6)(given).loss), atol=1e-5)


def test_the_gradient_does_not_vanish_when_one_hard_negative_sits_on_the_target() -> None:
    """Item 1 has the target's embedding, so the hardest triplet's gradient on the query is 0."""
    item_MD = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.9, math.sqrt(0.19)]])
    given = LossInput(
        torch.tensor([[1.0, 0.0]]), item_MD, torch.tensor([[True, False, False]]), torch.ones(1, 3, dtype=torch.bool)
    )
    assert (with_gradients(HardestTriplet(0.1, 0.1), given)[1] == 0).all()
    assert with_gradients(TripletAlignment(0.1, 0.1), given)[1].abs().max() > 0.01


def test_a_constant_added_to_one_query_is_not_seen_in_the_direction_from_queries() -> None:
    moved = [[score + 0.4 for score in row] for row in PAPER]
    for objective in (TripletAlignment(0.3, 0.015), HardestTriplet(0.3, 0.015)):
        assert from_queries(moved, objective) == pytest.approx(from_queries(PAPER, objective))
