"""Long-tail weights and the asymmetric focal loss."""

import math
from dataclasses import replace

import pytest
import torch

from tests.contracts.objective import with_gradients
from tests.training.objectives.one_query import close, one_query
from training.errors import TrainingError
from training.objectives.comic import Comic, ComicConfig, rarity_weight

EQUAL = [7, 7, 7]


@pytest.mark.parametrize(
    ("exponent", "expected"),
    [(1 / 3, [1, 1.489194, 1.776354]), (1 / 6, [1, 1.220325, 1.332799]), (0.0, [1, 1, 1])],
)
def test_the_weights_of_rare_items_by_hand(exponent: float, expected: list[float]) -> None:
    close(rarity_weight(torch.tensor([100.0, 10.0, 1.0], dtype=torch.float64), exponent), expected)


def test_an_item_without_targets_weighs_as_one_with_a_single_target() -> None:
    close(rarity_weight(torch.tensor([100.0, 1.0, 0.0]), 1 / 3)[1:], [1.776354, 1.776354])


def test_without_focus_shift_and_weights_it_is_binary_cross_entropy() -> None:
    objective = Comic(1.0, rarity=0.0, negative_focus=-1.0, shift=0.0)  # the weight 1 is added to the focus
    given = one_query([2.0, 1.0, -1.0], [0], counts=[100, 10, 1])
    expected = sum(math.log1p(math.exp(value)) for value in (-2.0, 1.0, -1.0))
    close(objective(given).loss, expected)


def test_by_hand_with_everything() -> None:
    """Counts (100, 10, 1) at e = 1/3, item 1 the target; negatives 0 and 2 with exponent 3 + w."""
    weights = (1.0, 1.489194, 1.776354)
    logits = (0.5, 1.0, 2.0)
    s = [1 / (1 + math.exp(-z)) for z in logits]
    expected = -weights[1] * (1 - s[1]) ** 0.5 * math.log(s[1])
    for item in (0, 2):
        q = min(1 - s[item] + 0.05, 1)
        expected -= weights[item] * (1 - q) ** (3 + weights[item]) * math.log(q)
    given = one_query([0.05, 0.1, 0.2], [1], counts=[100, 10, 1])
    close(Comic(0.1, target_focus=0.5)(given).loss, expected)


def test_a_rare_target_pulls_harder_than_a_common_one() -> None:
    _, _, gradient = with_gradients(Comic(1.0), one_query([0.0, 0.0, 0.0], [0, 1], counts=[1, 100, 100]))
    close(gradient[0] / gradient[1], (1 + math.log(100)) ** (1 / 3))


def test_negatives_below_the_shift_cost_nothing() -> None:
    """sigma(-3) = .047 is below the shift of .05."""
    _, _, gradient = with_gradients(Comic(1.0), one_query([0.0, -3.0, -2.0], [0], counts=EQUAL))
    assert gradient[1] == 0
    assert gradient[2] > 0


def test_the_loss_is_that_of_one_target_on_average_and_counts_every_draw() -> None:
    one = Comic(1.0)(one_query([0.3, 0.6], [0], counts=[1, 1])).loss
    close(Comic(1.0)(one_query([0.3, 0.3, 0.6], [0, 1], counts=EQUAL, draws=[0, 0, 2])).loss, float(one))


def test_the_corrector_drops_a_negative_of_very_high_score_and_counts_it() -> None:
    given = one_query([0.0, 2.0, 0.5], [0], counts=EQUAL)
    trusting, correcting = Comic(1.0)(given), Comic(1.0, corrector_threshold=0.8)(given)
    without = one_query([0.0, 0.5], [0], counts=[7, 7])
    close(correcting.loss, float(Comic(1.0)(without).loss))
    assert correcting.loss < trusting.loss
    assert int(correcting.logs["corrected"]) == 1
    assert int(trusting.logs["corrected"]) == 0
    # A query all of whose negatives were dropped still has its target.
    assert int(Comic(1.0, corrector_threshold=0.1)(given).logs["skipped"]) == 0


def test_the_largest_count_is_that_of_items_in_play() -> None:
    given = one_query([0.1, 0.2, 0.3], [0], counts=[10, 1, 1000])
    given = replace(given, valid_BM=torch.tensor([[True, True, False]]))
    close(Comic(0.1)(given).loss, float(Comic(0.1)(one_query([0.1, 0.2], [0], counts=[10, 1])).loss))


def test_a_batch_without_counts_is_refused() -> None:
    with pytest.raises(TrainingError, match="weighs items by their counts"):
        ComicConfig().build(1)(one_query([1.0, 0.0], [0]))


def test_a_target_of_very_high_score_has_a_finite_gradient_under_a_small_focus() -> None:
    for score in (1000.0, -1000.0):
        loss, _, gradient = with_gradients(Comic(1.0, target_focus=0.5), one_query([score, 0.0], [0], counts=[7, 7]))
        assert loss.isfinite()
        assert gradient.isfinite().all()
