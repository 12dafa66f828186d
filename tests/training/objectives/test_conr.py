"""ConR over the graded items of a query."""

import math
from dataclasses import replace

import pytest
import torch

from tests.contracts.objective import with_gradients
from tests.training.objectives.one_query import close, one_query
from training.errors import TrainingError
from training.objectives import LossInput
from training.objectives.conr import ConR, ConRConfig, contrast

FEATURE_BPD = torch.tensor([[[1.0, 0.0], [0.8, 0.6], [0.6, 0.8]]], dtype=torch.float64)
LABEL_BP = torch.tensor([[1.0, 1.5, 5.0]], dtype=torch.float64)
PREDICTION_BP = torch.tensor([[1.0, 1.2, 1.4]], dtype=torch.float64)


def graded(query: list[float], grades: list[float]) -> LossInput:
    given = one_query([0.0, 0.0, 0.0], [0, 1, 2], grades=grades)
    return replace(given, query_BD=torch.tensor([query], dtype=torch.float64), item_MD=FEATURE_BPD[0])


def test_by_hand_and_not_the_released_form() -> None:
    loss_BP, is_anchor_BP = contrast(
        FEATURE_BPD,
        LABEL_BP,
        PREDICTION_BP,
        torch.ones(1, 3, dtype=torch.bool),
        temperature=0.5,
        window=1.0,
        gap_weight=0.01,
    )
    close(loss_BP[0, 0], 0.529260)
    # The released code sums e^(similarity * mask), which adds 1 for the anchor itself and for the negative.
    positive, negative = math.exp(0.8 / 0.5), math.exp(0.01 * 4) * math.exp(0.6 / 0.5)
    assert math.log((positive + negative) / positive) == pytest.approx(0.529260, abs=1e-6)
    assert math.log((positive + 1 + 1 + negative) / positive) == pytest.approx(0.742637, abs=1e-6)
    assert is_anchor_BP.tolist() == [[True, True, False]]  # nothing has a grade like the third
    assert loss_BP[0, 2] == 0


def test_what_is_predicted_apart_is_no_negative() -> None:
    told_apart = torch.tensor([[1.0, 1.2, 4.8]], dtype=torch.float64)
    given = torch.ones(1, 3, dtype=torch.bool)
    loss_BP, is_anchor_BP = contrast(
        FEATURE_BPD, LABEL_BP, told_apart, given, temperature=0.5, window=1.0, gap_weight=0.01
    )
    assert not is_anchor_BP.any()
    assert (loss_BP == 0).all()


def test_over_a_query_s_items_it_is_the_mean_over_its_anchors() -> None:
    """Predictions are the scores 1, .8, .6, all within the window; s_01 = 1.6, s_02 = 1.2, s_12 = 1.92."""
    of_0 = math.log(1 + math.exp(0.04 + 1.2 - 1.6))
    of_1 = math.log(1 + math.exp(0.035 + 1.92 - 1.6))
    close(ConR(0.5)(graded([1.0, 0.0], [1.0, 1.5, 5.0])).loss, (of_0 + of_1) / 2)


def test_the_scale_of_the_prediction_decides_what_is_confused() -> None:
    given = graded([1.0, 0.0], [1.0, 1.5, 5.0])
    assert int(ConR(0.5, prediction_scale=2.0)(given).logs["skipped"]) == 0
    assert int(ConR(0.5, prediction_scale=10.0)(given).logs["skipped"]) == 1


def test_it_pulls_like_grades_together_and_leaves_the_query_alone() -> None:
    _, query_BD, item_MD = with_gradients(ConR(0.5), graded([1.0, 0.0], [1.0, 1.5, 5.0]))
    assert (query_BD == 0).all()
    moved_MD = torch.nn.functional.normalize(FEATURE_BPD[0] - 0.05 * item_MD, dim=1)
    assert moved_MD[0] @ moved_MD[1] > 0.8  # of like grade
    assert moved_MD[0] @ moved_MD[2] < 0.6  # of another grade, but a like score


def test_a_query_that_is_not_finite_comes_through() -> None:
    assert ConR(0.5)(graded([math.nan, 0.0], [1.0, 1.5, 5.0])).loss.isnan()


def test_a_batch_without_grades_is_refused() -> None:
    with pytest.raises(TrainingError, match="'conr' compares grades"):
        ConRConfig().build(1)(one_query([1.0, 0.0], [0]))
    assert ConRConfig().needs_grades
