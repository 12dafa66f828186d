"""Mining in a world of points: what is near is found, what is as near as the positive is dropped."""

import numpy as np
import pytest

from tests.training.hook_world import context_of, identity_towers, point_dataset, point_settings
from training.mining.miner import HardNegativesConfig, Mined, Miner
from training.ragged import FloatArray


def on_circle(*degrees: float) -> FloatArray:
    angle_N = np.deg2rad(np.array(degrees))
    circle: FloatArray = np.stack([np.cos(angle_N), np.sin(angle_N)], axis=1).astype(np.float32)
    return circle


def mine(**settings: object) -> Mined:
    """One query at 0 degrees that likes the items at 20 and 30; the others wait at 1, 25, 40, 60 and 180."""
    dataset = point_dataset(on_circle(0), on_circle(20, 1, 25, 40, 60, 180, 30), [(0, 0), (0, 6)])
    context = context_of(dataset, point_settings(2))
    identity_towers(context)
    return Miner(HardNegativesConfig.model_validate(settings), context).mine()


def test_items_less_like_the_query_than_its_lowest_positive_are_kept_best_first() -> None:
    mined = mine()
    assert mined.found.items.row(0).tolist() == [3, 4, 5]  # cos 30 = .866, less 5 % = .823: cos 40 = .766 stays
    assert mined.dropped == pytest.approx(2 / 5)
    np.testing.assert_allclose(mined.positive_P, np.cos(np.deg2rad([20, 30])), rtol=1e-5)
    assert mined.logs()["mined_score"] == pytest.approx(np.cos(np.deg2rad([40, 60, 180])).mean(), rel=1e-4)
    assert mined.logs()["mined_queries"] == 1
    assert mined.by_dataset_row(3).lengths.tolist() == [3, 0, 0]


def test_limits_can_be_switched_and_moved() -> None:
    assert mine(relative_margin=None).found.items.row(0).tolist() == [1, 2, 3, 4, 5]
    assert mine(relative_margin=None, range_min=1).found.items.row(0).tolist() == [2, 3, 4, 5]
    assert mine(relative_margin=None, depth=2).found.items.row(0).tolist() == [1, 2]
    assert mine(absolute_margin=0.3).found.items.row(0).tolist() == [4, 5]
    assert mine(relative_margin=None, max_score=0.9).found.items.row(0).tolist() == [3, 4, 5]


def test_the_schedule_begins_late_and_repeats() -> None:
    config = HardNegativesConfig(start_epoch=2, every=3)
    assert [epoch for epoch in range(10) if config.due(epoch)] == [2, 5, 8]


@pytest.mark.parametrize("bad", [{"range_min": 100}, {"per_step": 30}])
def test_settings_that_leave_nothing_are_refused(bad: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="range_min = 100|per_step = 30"):
        HardNegativesConfig.model_validate(bad)
