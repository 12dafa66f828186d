"""Targets against the mass of negatives."""

import math
from dataclasses import replace

import pytest
import torch

from tests.contracts.objective import batch, with_gradients
from tests.training.objectives.one_query import one_query
from training.objectives import LossInput
from training.objectives.competition import compete, logsumexp, mean_over_targets, n_negatives
from training.objectives.decoupled_softmax import DecoupledSoftmax
from training.objectives.softmax import Softmax


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
        assert int(n_negatives(c, given)[row]) == int(given.draws_M[columns].sum())


def test_the_mean_is_over_targets_only() -> None:
    c = compete(batch(), 1.0, None)
    means_B = mean_over_targets(torch.where(c.is_target_BP, 2.0, torch.nan), c)
    assert means_B.tolist() == [2.0] * 5


def test_logsumexp_of_nothing_is_finite_and_says_so() -> None:
    value, some = logsumexp(torch.tensor([[-torch.inf, -torch.inf], [0.0, 0.0]]))
    assert some.tolist() == [False, True]
    assert value.isfinite().all()
    assert math.isclose(float(value[1]), math.log(2), rel_tol=1e-6)


def certain(draws: list[int], q: list[float]) -> LossInput:
    """Item 0 is the target, the last item is there for certain."""
    given = one_query([0.3, 0.1, -0.2, 0.7], [0], draws=draws)
    certain_M = torch.tensor([False, False, False, True])
    return replace(given, logq_M=torch.tensor(q, dtype=torch.float64).log(), certain_M=certain_M)


def test_what_is_there_for_certain_counts_once_a_draw_of_the_sampler_whatever_its_probability() -> None:
    for q in (0.9, 1e-6):
        given = certain([0, 3, 2, 1], [0.2, 0.4, 0.1, q])
        c = compete(given, 1.0, given.logq_M)
        mass = 3 / 0.4 * math.exp(0.1) + 2 / 0.1 * math.exp(-0.2) + 5 * math.exp(0.7)
        assert math.isclose(float(c.negatives_B1), math.log(mass), rel_tol=1e-6)
        assert float(n_negatives(c, given)) == 5
    plain = compete(given, 1.0, None)
    mass = 3 * math.exp(0.1) + 2 * math.exp(-0.2) + math.exp(0.7)
    assert math.isclose(float(plain.negatives_B1), math.log(mass), rel_tol=1e-6)


def test_a_batch_whose_only_negative_is_there_for_certain_counts_it_once() -> None:
    given = certain([0, 0, 0, 1], [0.2, 0.4, 0.1, 0.3])
    c = compete(given, 1.0, given.logq_M)
    assert math.isclose(float(c.negatives_B1), 0.7, rel_tol=1e-6)
    assert bool(c.contributes_B)
    assert float(n_negatives(c, given)) == 1


def test_a_target_that_is_a_mate_s_certain_item_keeps_its_correction() -> None:
    """Under classic logq the target loses its own log Q, whether or not somebody chose it."""
    given = certain([0, 3, 2, 1], [0.2, 0.4, 0.1, 0.3])
    chosen = replace(given, certain_M=torch.tensor([True, False, False, True]), draws_M=torch.tensor([1, 3, 2, 1]))
    first, second = (DecoupledSoftmax(1.0, "classic")(batch).loss for batch in (given, chosen))
    torch.testing.assert_close(first, second)


@pytest.mark.parametrize("kind", [Softmax, DecoupledSoftmax])
def test_the_corrected_loss_of_sampled_and_certain_items_estimates_the_whole_catalogue(kind: type[Softmax]) -> None:
    """100,000 draws of five items, the target among them, and a sixth for certain: the gradient of the full softmax."""
    score = [0.4, 0.9, -0.3, 0.2, 0.6, 1.5]
    q = torch.tensor([0.1, 0.3, 0.2, 0.2, 0.2], dtype=torch.float64)
    draws = torch.bincount(torch.multinomial(q, 100_000, True, generator=torch.Generator().manual_seed(0)), minlength=5)
    given = one_query(score, [0], draws=[*draws.tolist(), 1])
    given = replace(given, logq_M=torch.cat([q, q[:1]]).log(), certain_M=torch.arange(6) == 5)
    gradient = with_gradients(kind(1.0, "corrected"), given)[2].flatten()
    whole = torch.tensor(score, dtype=torch.float64).softmax(0)
    whole[0] -= 1
    torch.testing.assert_close(gradient, whole, rtol=0.02, atol=0)
