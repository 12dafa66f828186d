"""Targets against the mass of negatives."""

import math

import torch

from tests.contracts.objective import batch
from training.objectives.competition import compete, logsumexp, mean_over_targets, n_negatives


def test_targets_are_the_valid_positives_in_the_order_of_the_pool() -> None:
    given = batch()
    c = compete(given, 1.0, None)
    for row in range(5):
        columns = c.column_BP[row][c.is_target_BP[row]]
        assert columns.tolist() == (given.positive_BM & given.valid_BM)[row].nonzero().flatten().tolist()
        torch.testing.assert_close(c.score_BP[row][c.is_target_BP[row]], given.item_MD[columns] @ given.query_BD[row])


def test_negatives_count_as_often_as_they_were_drawn() -> None:
    given = batch()
    assert given.draws_M is not None
    c = compete(given, 0.5, None)
    score_BM = given.query_BD @ given.item_MD.T / 0.5
    for row in range(5):
        columns = (given.valid_BM & ~given.positive_BM)[row].nonzero().flatten()
        mass = sum(float(given.draws_M[j]) * math.exp(score_BM[row, j]) for j in columns)
        assert math.isclose(float(c.negatives_B1[row]), math.log(mass), rel_tol=1e-5)
        assert int(n_negatives(c, given.draws_M)[row]) == int(given.draws_M[columns].sum())


def test_the_mean_is_over_targets_only() -> None:
    c = compete(batch(), 1.0, None)
    means_B = mean_over_targets(torch.where(c.is_target_BP, 2.0, torch.nan), c)
    assert means_B.tolist() == [2.0] * 5


def test_logsumexp_of_nothing_is_finite_and_says_so() -> None:
    value, some = logsumexp(torch.tensor([[-torch.inf, -torch.inf], [0.0, 0.0]]))
    assert some.tolist() == [False, True]
    assert value.isfinite().all()
    assert math.isclose(float(value[1]), math.log(2), rel_tol=1e-6)
