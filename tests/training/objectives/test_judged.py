"""Which candidates a teacher's objective sees, and with which scores."""

from dataclasses import replace

import pytest
import torch

from tests.contracts.objective import batch
from tests.training.objectives.one_query import NAN, close, one_query
from training.errors import TrainingError
from training.objectives.judged import columns_of, judged_candidates, log_shares, mean_over


def test_only_valid_items_with_a_teacher_s_score_are_candidates() -> None:
    given = one_query([0.9, 0.5, 0.1, 0.3], [0, 3], teacher=[4.0, NAN, 1.0, 2.0])
    given = replace(given, valid_BM=torch.tensor([[True, True, True, False]]))
    c = judged_candidates(given, "a")
    assert c.is_judged_BJ.tolist() == [[True, True]]
    assert c.is_target_BJ.tolist() == [[True, False]]
    close(c.score_BJ, [0.9, 0.1])
    close(c.teacher_BJ, [4.0, 1.0])


@pytest.mark.parametrize("rate", [0.05, 0.9])
def test_few_and_many_candidates_get_the_same_scores_as_the_whole_product(rate: float) -> None:
    generator = torch.Generator().manual_seed(0)
    teacher_BM = torch.rand(5, 90, generator=generator)
    judged_BM = torch.rand(5, 90, generator=generator) < rate
    given = batch(5, 90)
    given = replace(given, valid_BM=torch.ones_like(judged_BM), teacher_BM=teacher_BM.masked_fill(~judged_BM, NAN))
    c = judged_candidates(given, "a")
    torch.testing.assert_close(c.score_BJ[c.is_judged_BJ], (given.query_BD @ given.item_MD.T)[judged_BM])
    torch.testing.assert_close(c.teacher_BJ[c.is_judged_BJ], teacher_BM[judged_BM])


def test_no_gradient_reaches_the_teacher() -> None:
    given = one_query([0.9, 0.5], [0], teacher=[1.0, 0.0])
    teacher_BM = torch.tensor([[1.0, 0.0]], dtype=torch.float64, requires_grad=True)
    assert not judged_candidates(replace(given, teacher_BM=teacher_BM), "a").teacher_BJ.requires_grad


def test_a_batch_without_a_teacher_is_refused_by_name() -> None:
    with pytest.raises(TrainingError, match="'graded_kl' learns from a teacher's scores"):
        judged_candidates(one_query([1.0, 0.0], [0]), "graded_kl")


def test_columns_are_padded_and_marked() -> None:
    column_BJ, filled_BJ = columns_of(torch.tensor([[0, 1, 1], [0, 0, 0], [1, 0, 0]], dtype=torch.bool))
    assert column_BJ.tolist() == [[1, 2], [0, 0], [0, 0]]
    assert filled_BJ.tolist() == [[True, True], [False, False], [True, False]]


def test_shares_and_means_ignore_what_is_not_kept_and_survive_an_empty_row() -> None:
    logit_BJ = torch.tensor([[0.0, 0.0, 50.0], [1.0, 2.0, 3.0]], requires_grad=True)
    keep_BJ = torch.tensor([[True, True, False], [False, False, False]])
    shares_BJ = log_shares(logit_BJ, keep_BJ)
    close(shares_BJ[0], [-0.693147, -0.693147, 0.0])
    close(shares_BJ[1], [0.0, 0.0, 0.0])
    gradient_BJ = torch.autograd.grad(shares_BJ.sum(), logit_BJ)[0]
    assert gradient_BJ.isfinite().all()
    assert (gradient_BJ[~keep_BJ] == 0).all()
    close(mean_over(torch.tensor([[1.0, 3.0, 9.0], [1.0, 1.0, 1.0]]), keep_BJ), [2.0, 0.0])
