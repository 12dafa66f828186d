"""The correction for popularity, in both objectives that have it."""

from dataclasses import replace

import pytest
import torch

from tests.contracts.objective import with_gradients
from tests.training.objectives.one_query import close, one_query
from training.errors import TrainingError
from training.objectives import LossInput
from training.objectives.decoupled_softmax import DecoupledSoftmax
from training.objectives.softmax import Softmax

KINDS = pytest.mark.parametrize("kind", [Softmax, DecoupledSoftmax])


def drawn(scores: list[float], positives: list[int], q: list[float]) -> LossInput:
    return replace(one_query(scores, positives), logq_M=torch.tensor(q, dtype=torch.float64).log())


@KINDS
@pytest.mark.parametrize(("positive", "expected"), [(0, 1.609438), (1, 0.916291)])
def test_classic_by_hand(kind: type[Softmax], positive: int, expected: float) -> None:
    close(kind(1.0, "classic")(drawn([1, 1, 1], [positive], [0.5, 0.25, 0.25])).loss, expected)


@KINDS
def test_corrected_by_hand(kind: type[Softmax]) -> None:
    close(kind(1.0, "corrected")(drawn([1, 0.5, 0.2, -0.3], [0], [0.4, 0.2, 0.2, 0.2])).loss, 0.788787)


def test_corrected_has_the_gradient_of_the_estimated_softmax() -> None:
    """p = e^Z_p / (e^Z_p + mean of e^Z_j / Q_p(j)) with p = .429481, so the positive's gradient is p - 1."""
    batch = drawn([1, 0.5, 0.2, -0.3], [0], [0.4, 0.2, 0.2, 0.2])
    gradient = with_gradients(DecoupledSoftmax(1.0, "corrected"), batch)[2].flatten()
    close(gradient[0], 0.429481 - 1)
    close(gradient.sum(), 0.0)


@KINDS
def test_a_uniform_q_changes_nothing_under_the_classic_correction(kind: type[Softmax]) -> None:
    batch = drawn([0.4, -0.1, 0.8, 0.0], [1], [0.25] * 4)
    close(kind(0.1, "classic")(batch).loss, float(kind(0.1)(batch).loss))


def test_a_query_s_other_targets_stay_in_the_coupled_denominator_uncorrected() -> None:
    """Two targets at score 0 and one negative at score 0 with Q_p = 1: p = 1 / (1 + 1 + 1), rest = log 2."""
    batch = drawn([0, 0, 0], [0, 1], [1e-9, 1e-9, 1.0])
    close(Softmax(1.0, "corrected")(batch).loss, float(2 / 3 * torch.tensor(2.0).log()), atol=1e-5)
    close(DecoupledSoftmax(1.0, "corrected")(batch).loss, 0.0, atol=1e-5)


@KINDS
@pytest.mark.parametrize("logq", ["classic", "corrected"])
def test_a_correction_without_probabilities_is_refused(kind: type[Softmax], logq: str) -> None:
    with pytest.raises(TrainingError, match="logq = 'none'"):
        kind(0.1, logq)(one_query([1, 2], [0]))  # type: ignore[arg-type]
