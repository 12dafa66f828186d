"""Sums of objectives."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter

from tests.contracts.objective import batch, with_gradients
from tests.training.objectives.one_query import close
from tests.training.world import shop_config
from training.config import TrainConfig
from training.objectives import LossInput, Objective, ObjectiveConfig
from training.objectives.decoupled_softmax import DecoupledSoftmax, DecoupledSoftmaxConfig
from training.objectives.graded_kl import GradedKL, GradedKLConfig
from training.objectives.softmax import Softmax, SoftmaxConfig
from training.objectives.weighted_sum import Term, WeightedSum, WeightedSumConfig

FIRST, SECOND = DecoupledSoftmax(0.1), GradedKL(0.1, 0.5)
SUM = WeightedSum([("decoupled_softmax", 1.0, FIRST), ("graded_kl", 0.3, SECOND)])


def plain_sum(given: LossInput) -> Any:
    return FIRST(given).loss + 0.3 * SECOND(given).loss


def test_loss_and_gradients_are_those_of_the_plain_sum() -> None:
    given = batch(dtype=torch.float64)
    loss, query_BD, item_MD = with_gradients(SUM, given)
    inputs = given.query_BD.clone().requires_grad_(), given.item_MD.clone().requires_grad_()
    expected = plain_sum(replace(given, query_BD=inputs[0], item_MD=inputs[1]))
    torch.testing.assert_close(loss, expected.detach())
    expected_query_BD, expected_item_MD = torch.autograd.grad(expected, inputs)
    torch.testing.assert_close(query_BD, expected_query_BD)
    torch.testing.assert_close(item_MD, expected_item_MD)


def test_gradients_reach_what_made_the_embeddings_and_only_once() -> None:
    given, weight = batch(dtype=torch.float64), torch.eye(4, dtype=torch.float64, requires_grad=True)
    through = replace(given, query_BD=given.query_BD @ weight, item_MD=given.item_MD @ weight)
    expected = torch.autograd.grad(plain_sum(through), weight, retain_graph=True)[0]
    torch.testing.assert_close(torch.autograd.grad(SUM(through).loss, weight)[0], expected)


@pytest.mark.parametrize(
    ("name", "objective", "weight"), [("decoupled_softmax", FIRST, 1.0), ("graded_kl", SECOND, 0.3)]
)
def test_each_term_s_loss_and_gradient_norm_are_logged(name: str, objective: Objective, weight: float) -> None:
    given = batch(dtype=torch.float64)
    inputs = given.query_BD.requires_grad_(), given.item_MD.requires_grad_()
    logs = SUM(given).logs
    loss = objective(given).loss
    close(logs[f"loss/{name}"], float(loss.detach()))
    norm = torch.cat([value.flatten() for value in torch.autograd.grad(weight * loss, inputs)]).norm()
    close(logs[f"gradient/{name}"], float(norm))
    assert not any(value.requires_grad for value in logs.values())


def test_a_query_that_one_term_skips_counts_fully_in_the_other() -> None:
    given = batch(dtype=torch.float64)
    assert given.teacher_BM is not None
    teacher_BM = given.teacher_BM.clone()
    teacher_BM[0] = torch.nan  # the teacher knows nothing of query 0
    positive_BM = given.positive_BM.clone()
    positive_BM[1] = False  # query 1 has no target, but a teacher
    partly = replace(given, teacher_BM=teacher_BM, positive_BM=positive_BM)
    output = SUM(partly)
    close(output.loss, float(plain_sum(partly)))
    assert int(output.logs["skipped"]) == 0
    assert int(output.logs["skipped/decoupled_softmax"]) == 1
    assert int(output.logs["skipped/graded_kl"]) == 1
    close(output.per_query_B[0], float(FIRST(partly).per_query_B[0]))
    close(output.per_query_B[1], 0.3 * float(SECOND(partly).per_query_B[1]))
    teacher_BM[1] = torch.nan
    assert int(SUM(replace(partly, teacher_BM=teacher_BM)).logs["skipped"]) == 1


def test_without_gradients_there_is_a_loss_and_no_norm() -> None:
    given = batch()
    with torch.no_grad():
        output = SUM(replace(given, query_BD=given.query_BD.requires_grad_()))
    close(output.loss, float(plain_sum(given).detach()), atol=1e-5)
    assert not output.loss.requires_grad
    assert not any(key.startswith("gradient/") for key in output.logs)


def test_two_terms_of_one_kind_are_told_apart() -> None:
    logs = WeightedSum([("softmax", 1.0, Softmax(0.1)), ("softmax", 1.0, Softmax(1.0))])(batch()).logs
    assert logs["loss/softmax"] > logs["loss/softmax_2"]


def test_the_weights_of_a_term_are_trained_with_the_gradient_of_that_term() -> None:
    config = TypeAdapter(ObjectiveConfig).validate_python(
        {
            "kind": "weighted_sum",
            "terms": [
                {"objective": {"kind": "softmax"}},
                {"weight": 0.5, "objective": {"kind": "adaptive_heads", "heads": 2}},
            ],
        }
    )
    summed = config.build(4)
    assert isinstance(summed, WeightedSum)
    (heads,) = summed.learned
    assert len(list(summed.parameters())) == len(list(heads.parameters())) == 4
    given = replace(batch(), query_BD=batch().query_BD.requires_grad_())
    expected = torch.autograd.grad(0.5 * heads(given).loss, list(heads.parameters()))
    summed(given).loss.backward()
    for parameter, gradient in zip(summed.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)


def test_the_config_knows_its_parts() -> None:
    first, second = DecoupledSoftmaxConfig(), SoftmaxConfig(logq="classic")
    config = WeightedSumConfig(terms=(Term(objective=first), Term(weight=0.2, objective=second)))
    assert config.parts == (first, second)
    assert config.draw_correction == "classic"
    assert WeightedSumConfig(terms=(Term(objective=first), Term(objective=GradedKLConfig()))).draw_correction == "none"


def test_a_correction_inside_a_sum_must_fit_the_negatives_too() -> None:
    terms = [{"objective": {"kind": "softmax", "logq": "classic"}}, {"objective": {"kind": "graded_kl"}}]
    objective = {"kind": "weighted_sum", "terms": terms}
    with pytest.raises(ValueError, match="samples nothing"):
        TrainConfig.model_validate(
            {
                **shop_config().model_dump(exclude={"objective", "negatives"}),
                "objective": objective,
                "negatives": {"kind": "catalogue"},
            }
        )


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"terms": [{"objective": {"kind": "softmax"}}]}, "at least 2 items"),
        ({"terms": [], "logq": "classic"}, "leaves logq to its terms"),
        ({"terms": [{"weight": 0, "objective": {"kind": "softmax"}}] * 2}, "greater than 0"),
        ({"terms": [{"objective": {"kind": "weighted_sum"}}] * 2}, "does not match any of the expected tags"),
    ],
)
def test_sums_that_make_no_sense_are_refused(settings: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        WeightedSumConfig.model_validate(settings)
