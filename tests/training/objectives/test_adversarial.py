"""The retriever's step of AR2."""

from dataclasses import replace

import pytest
import torch

from tests.contracts.objective import batch, with_gradients
from tests.training.objectives.one_query import NAN, close, one_query
from training.objectives.adversarial import Adversarial, AdversarialConfig, Adversary

RETRIEVER, RANKER = [2.0, 1.0, 0.0], [1.0, 2.0, 0.0]


@pytest.mark.parametrize(("adversary", "expected"), [("expected", -1.044320), ("weighted_ce", 2.885297)])
def test_both_forms_by_hand(adversary: Adversary, expected: float) -> None:
    given = one_query(RETRIEVER, [0], teacher=RANKER)
    output = Adversarial(1.0, 1.0, adversary, 0.5)(given)
    close(output.logs["adversarial"], expected)
    close(output.logs["distillation"], 1.252908)
    close(output.loss, (expected + 1.252908) / 2)
    close(Adversarial(1.0, 1.0, adversary, 1.0)(given).loss, expected)
    close(Adversarial(1.0, 1.0, adversary, 0.0)(given).loss, 1.252908)


def test_the_weighted_cross_entropy_rests_at_the_rewards_shares() -> None:
    rest = torch.tensor([0.298813, 0.566141, 0.135046]).log().tolist()
    _, _, gradient = with_gradients(Adversarial(1.0, 1.0, "weighted_ce", 1.0), one_query(rest, [0], teacher=RANKER))
    close(gradient, [0.0, 0.0, 0.0], atol=1e-5)


def test_the_expected_form_raises_the_negative_that_fools_the_ranker_best_and_leaves_the_target_alone() -> None:
    _, _, gradient = with_gradients(Adversarial(1.0, 1.0, "expected", 1.0), one_query(RETRIEVER, [0], teacher=RANKER))
    assert gradient[0] == 0
    assert gradient[1] < 0 < gradient[2]


def test_the_expected_reward_bounds_the_ranker_s_log_probability_from_above() -> None:
    for seed in range(20):
        scores = torch.randn(2, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        given = one_query(scores[0].tolist(), [0], teacher=scores[1].tolist())
        assert Adversarial(1.0, 1.0, "expected", 1.0)(given).loss >= scores[1].log_softmax(0)[0]


def test_a_retriever_equal_to_the_ranker_rests_under_the_regulariser() -> None:
    _, _, gradient = with_gradients(Adversarial(1.0, 1.0, "expected", 0.0), one_query(RANKER, [0], teacher=RANKER))
    close(gradient, [0.0, 0.0, 0.0], atol=1e-12)


@pytest.mark.parametrize("adversary", ["expected", "weighted_ce"])
def test_no_gradient_reaches_the_ranker(adversary: Adversary) -> None:
    given = batch()
    assert given.teacher_BM is not None
    teacher_BM = given.teacher_BM.clone().requires_grad_()
    query_BD = given.query_BD.clone().requires_grad_()
    Adversarial(0.1, 1.0, adversary)(replace(given, query_BD=query_BD, teacher_BM=teacher_BM)).loss.backward()  # type: ignore[no-untyped-call]
    assert teacher_BM.grad is None
    assert query_BD.grad is not None


def test_unjudged_items_are_no_candidates_and_a_query_needs_both_sides() -> None:
    wide = one_query([*RETRIEVER, 9.0], [0], teacher=[*RANKER, NAN])
    close(Adversarial(1.0, 1.0, "expected", 1.0)(wide).loss, -1.044320)
    for teacher in ([NAN, 2.0, 0.0], [1.0, NAN, NAN]):
        output = AdversarialConfig().build(1)(one_query(RETRIEVER, [0], teacher=teacher))
        assert output.loss == 0
        assert int(output.logs["skipped"]) == 1
