import numpy as np
import pytest

from training.click_models.log import ClickLog
from training.errors import BadData

ALL = np.ones((2, 3), dtype=np.bool_)
PLACES = np.tile(np.arange(1, 4), (2, 1))


def a_log(click: list[list[int]], propensity: list[list[float]] | None = None, mask: np.ndarray = ALL) -> ClickLog:
    given = None if propensity is None else np.array(propensity, dtype=np.float32)
    return ClickLog(np.arange(6).reshape(2, 3), np.array(click) == 1, mask, PLACES * mask, 6, given)


def test_clicks_by_place_and_the_lists_that_teach() -> None:
    log = a_log([[1, 0, 1], [0, 0, 0]])
    assert log.n_places == 3 and log.clicks_by_place().tolist() == [1, 0, 1]
    assert log.shown_by_place().tolist() == [2, 2, 2]
    assert log.teaching_rows().tolist() == [0]


def test_a_click_on_the_only_item_teaches_nothing() -> None:
    mask = np.array([[True, False, False], [True, True, False]])
    with pytest.raises(BadData, match="no shown list has both a click and a second item"):
        a_log([[1, 0, 0], [0, 0, 0]], mask=mask).teaching_rows()


def test_the_propensity_of_a_place_is_relative_to_the_first() -> None:
    log = a_log([[1, 0, 0], [0, 1, 0]], [[0.8, 0.4, 0.2], [0.8, 0.4, 0.2]])
    assert log.place_propensities().tolist() == pytest.approx([1, 0.5, 0.25])


def test_two_propensities_of_one_place_and_a_place_without_are_refused() -> None:
    with pytest.raises(BadData, match="place 2 has propensities from 0.3 to 0.4"):
        a_log([[1, 0, 0], [0, 1, 0]], [[0.8, 0.4, 0.2], [0.8, 0.3, 0.2]]).place_propensities()
    mask = np.array([[True, False, True], [True, False, True]])
    with pytest.raises(BadData, match="nothing was shown at place 2"):
        a_log([[1, 0, 0], [0, 0, 0]], [[1, 0, 0.2], [1, 0, 0.2]], mask).place_propensities()
