"""Skip-gram with negative sampling against values by hand."""

import math

import pytest

from tests.training.objectives.one_query import close, one_query
from training.objectives.sgns import SGNS


def test_one_target_and_two_negatives() -> None:
    close(SGNS(1.0, 2.0)(one_query([1.0, -0.5, 0.5], [0])).loss, 1.7614157)


def test_the_negatives_count_as_many_as_asked_for_whatever_the_batch_has() -> None:
    few, many = one_query([1.0, 0.5], [0]), one_query([1.0, *[0.5] * 7], [0])
    expected = math.log1p(math.exp(-1.0)) + 5 * math.log1p(math.exp(0.5))
    close(SGNS(1.0, 5.0)(few).loss, expected)
    close(SGNS(1.0, 5.0)(many).loss, expected)


def test_several_targets_are_pairs_of_their_own() -> None:
    both = SGNS(1.0, 3.0)(one_query([1.0, 2.0, 0.5], [0, 1])).loss
    alone = [SGNS(1.0, 3.0)(one_query([score, 0.5], [0])).loss for score in (1.0, 2.0)]
    close(both, float(sum(alone)) / 2)


@pytest.mark.parametrize("k", [1.0, 4.0])
def test_the_best_score_of_a_pair_is_its_mutual_information_less_log_k(k: float) -> None:
    """An item that is the share p of the pairs and the share q of the draws counts p softplus(-z) + k q softplus(z)."""
    p, q = 0.4, 0.1
    best = math.log(p / q) - math.log(k)
    given = one_query([best, best], [0])
    query_BD = given.query_BD.requires_grad_()
    SGNS(1.0, k * q / p)(given).loss.backward()  # type: ignore[no-untyped-call]
    assert query_BD.grad is not None
    close(query_BD.grad, 0.0)
