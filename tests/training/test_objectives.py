"""Every objective against the contract, and against numbers worked out by hand."""

from typing import get_args

import pytest
import torch
from torch import Tensor

from tests.contracts.objective import ObjectiveContract, with_gradients
from training.errors import TrainingError
from training.objectives import LossInput, ObjectiveConfig
from training.objectives.decoupled_softmax import DecoupledSoftmax, DecoupledSoftmaxConfig
from training.objectives.softmax import Softmax, SoftmaxConfig

KINDS = get_args(get_args(ObjectiveConfig)[0])


@pytest.mark.parametrize("config", [kind(logq=logq) for kind in KINDS for logq in ("none", "classic", "corrected")])
class TestEveryObjective(ObjectiveContract):
    pass


def scores(values: list[float], positives: list[int], q: list[float] | None = None) -> LossInput:
    """One query whose scores are `values`: its embedding is (1), the items' are the scores."""
    positive_BM = torch.zeros(1, len(values), dtype=torch.bool)
    positive_BM[0, positives] = True
    logq_M = None if q is None else torch.tensor(q, dtype=torch.float64).log()
    return LossInput(
        torch.ones(1, 1, dtype=torch.float64),
        torch.tensor(values, dtype=torch.float64)[:, None],
        positive_BM,
        torch.ones_like(positive_BM),
        logq_M=logq_M,
    )


def close(value: Tensor, expected: float | list[float], atol: float = 2e-6) -> None:
    torch.testing.assert_close(value.flatten().squeeze(), torch.tensor(expected, dtype=value.dtype), rtol=0, atol=atol)


def test_decoupled_softmax_by_hand() -> None:
    loss, _, gradient = with_gradients(DecoupledSoftmax(1.0), scores([2, 1, 0, -1], [0, 1]))
    close(loss, 0.288726)
    close(gradient, [-0.078103, -0.167380, 0.179462, 0.066020])


def test_coupled_softmax_by_hand() -> None:
    loss, _, gradient = with_gradients(Softmax(1.0), scores([2, 1, 0, -1], [0, 1]))
    close(loss, 0.940190)
    close(gradient, [0.143914, -0.263117, 0.087144, 0.032059])


def test_only_the_coupled_softmax_pushes_an_easy_positive_down() -> None:
    easy = scores([10, 0, 0, 0], [0, 1])
    close(with_gradients(Softmax(1.0), easy)[2][0], 0.499864)
    close(with_gradients(DecoupledSoftmax(1.0), easy)[2][0], -0.0000454, atol=1e-7)


def test_with_one_positive_both_are_info_nce() -> None:
    one = scores([0.3, -0.2, 0.9], [2])
    expected = torch.tensor([0.3, -0.2, 0.9], dtype=torch.float64).div(0.1).logsumexp(0) - 9
    close(Softmax(0.1)(one).loss, float(expected))
    close(DecoupledSoftmax(0.1)(one).loss, float(expected))


def test_equal_scores_give_the_log_of_the_pool() -> None:
    close(Softmax(0.05)(scores([1.0] * 8, [3])).loss, float(torch.tensor(8.0).log()))


def test_decoupled_is_never_above_coupled() -> None:
    values = torch.randn(10, generator=torch.Generator().manual_seed(0)).tolist()
    batch = scores(values, [1, 4, 7])
    assert DecoupledSoftmax(0.5)(batch).loss < Softmax(0.5)(batch).loss


@pytest.mark.parametrize("kind", [Softmax, DecoupledSoftmax])
@pytest.mark.parametrize(("positive", "expected"), [(0, 1.609438), (1, 0.916291)])
def test_classic_logq_by_hand(kind: type[Softmax], positive: int, expected: float) -> None:
    close(kind(1.0, "classic")(scores([1, 1, 1], [positive], [0.5, 0.25, 0.25])).loss, expected)


@pytest.mark.parametrize("kind", [Softmax, DecoupledSoftmax])
def test_corrected_logq_by_hand(kind: type[Softmax]) -> None:
    batch = scores([1, 0.5, 0.2, -0.3], [0], [0.4, 0.2, 0.2, 0.2])
    close(kind(1.0, "corrected")(batch).loss, 0.788787)


def test_corrected_logq_has_the_gradient_of_the_estimated_softmax() -> None:
    """p = e^Z_p / (e^Z_p + mean of e^Z_j / Q_p(j)) with p = .429481, so the positive's gradient is p - 1."""
    batch = scores([1, 0.5, 0.2, -0.3], [0], [0.4, 0.2, 0.2, 0.2])
    gradient = with_gradients(DecoupledSoftmax(1.0, "corrected"), batch)[2].flatten()
    close(gradient[0], 0.429481 - 1)
    close(gradient.sum(), 0.0)


@pytest.mark.parametrize("kind", [Softmax, DecoupledSoftmax])
def test_a_uniform_q_changes_nothing_under_the_classic_correction(kind: type[Softmax]) -> None:
    values = [0.4, -0.1, 0.8, 0.0]
    plain, corrected = scores(values, [1]), scores(values, [1], [0.25] * 4)
    close(kind(0.1, "classic")(corrected).loss, float(kind(0.1)(plain).loss))


def test_a_query_s_other_targets_stay_in_the_coupled_denominator_uncorrected() -> None:
    """Two targets at score 0 and one negative at score 0 with Q_p = 1: p = 1 / (1 + 1 + 1), rest = log 2."""
    batch = scores([0, 0, 0], [0, 1], [1e-9, 1e-9, 1.0])
    close(Softmax(1.0, "corrected")(batch).loss, float(2 / 3 * torch.tensor(2.0).log()), atol=1e-5)
    close(DecoupledSoftmax(1.0, "corrected")(batch).loss, 0.0, atol=1e-5)


def test_an_item_that_is_only_a_target_is_nobody_s_negative() -> None:
    batch = scores([0.5, 0.2, 0.9], [0])
    without = LossInput(batch.query_BD, batch.item_MD[:2], batch.positive_BM[:, :2], batch.valid_BM[:, :2])
    undrawn = LossInput(batch.query_BD, batch.item_MD, batch.positive_BM, batch.valid_BM, torch.tensor([0, 1, 0]))
    close(DecoupledSoftmax(0.1)(undrawn).loss, float(DecoupledSoftmax(0.1)(without).loss))


@pytest.mark.parametrize("config", [SoftmaxConfig(logq="classic"), DecoupledSoftmaxConfig(logq="corrected")])
def test_a_correction_without_probabilities_is_refused(config: ObjectiveConfig) -> None:
    with pytest.raises(TrainingError, match="logq = 'none'"):
        config.build(4)(scores([1, 2], [0]))
