"""Multi-label cluster discrimination."""

import pytest
import torch

from tests.contracts.objective import with_gradients
from tests.training.objectives.one_query import close, one_query
from training.objectives.mlcd import MLCD, MLCDConfig


def test_by_hand() -> None:
    close(MLCD(1.0)(one_query([0.8, 0.6, 0.1, 0.5], [0, 1])).loss, 2.015010)


@pytest.mark.parametrize(("scores", "expected"), [([0.8, 0.5], 1.345177), ([0.4, 0.1], 1.257412)])
def test_it_sees_where_scores_are_and_not_only_how_far_apart(scores: list[float], expected: float) -> None:
    """The coupled form, log(1 + e^(s_n - s_p)), gives .554355 for both."""
    close(MLCD(1.0)(one_query(scores, [0])).loss, expected)
    close(torch.tensor(scores[1] - scores[0]).exp().log1p(), 0.554355)


def test_targets_and_negatives_meet_only_the_threshold() -> None:
    """The gradient of a target does not depend on the negatives."""
    near, far = (with_gradients(MLCD(0.5), one_query([0.3, other], [0]))[2].flatten() for other in (0.9, -0.9))
    close(near[0], float(far[0]))
    assert near[1] > far[1] > 0


def test_the_temperature_divides_scores() -> None:
    close(MLCD(0.1)(one_query([0.08, 0.06, 0.01, 0.05], [0, 1])).loss, 2.015010)
    assert MLCDConfig(temperature=0.2).build(4) == MLCD(0.2)
