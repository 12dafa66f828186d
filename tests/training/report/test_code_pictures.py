"""Names in the tree map stand clear of the boxes within, and say what fits."""

import numpy as np
import pytest

from training.report.code_pictures import MOST_CODES, commonest, fitted, tree_map, typical_items
from training.report.svg import style


def test_the_commonest_code_is_first_and_equals_go_by_their_digits() -> None:
    assert commonest(np.array([2, 10, 10, 2, 7, 7, 7])) == [7, 10, 2]


def test_the_typical_item_is_the_nearest_to_the_middle() -> None:
    embedding_ND = np.array([[0.0], [1.0], [4.0], [9.0]], dtype=np.float32)
    assert typical_items(embedding_ND, np.array([5, 5, 5, 8])) == {5: 1, 8: 3}


@pytest.mark.parametrize(
    ("letters", "most", "lines"),
    [
        (20, 3, ["7 · 12", "red lamp with a long", "cord"]),
        (20, 2, ["7 · 12", "red lamp with a lon…"]),
        (9, 9, ["7 · 12", "red lamp", "with a", "long cord"]),
        (6, 1, ["7 · 12"]),
        (6, 2, ["7 · 12", "red…"]),
        (6, 0, []),
        (5, 9, []),
    ],
)
def test_a_label_says_what_fits(letters: int, most: int, lines: list[str]) -> None:
    assert fitted(["7 · 12", "red", "lamp", "with", "a", "long", "cord"], letters, most) == lines


def test_no_line_of_a_box_within_crosses_a_name() -> None:
    rng = np.random.default_rng(0)
    code_NL = np.stack([rng.zipf(1.4, 900) % 60, rng.integers(0, 16, 900)], axis=1)
    names = dict.fromkeys(range(60), "a lamp of steel and paper for the garden")
    with style():
        drawn = tree_map(code_NL, names, [])
        (axes,) = drawn.axes
        drawn.draw_without_rendering()
        labels = [text.get_window_extent() for text in axes.texts]
        boxes = [patch.get_window_extent() for patch in axes.patches]
    assert len(labels) > 20
    for label in labels:
        around = [box for box in boxes if box.overlaps(label)]
        assert all(box.y1 >= label.y1 for box in around)
        assert all(box.y0 <= label.y0 for box in around)


def test_codes_beyond_the_largest_share_a_box_as_large_as_their_items() -> None:
    code_NL = np.arange(60)[:, None]
    with style():
        drawn = tree_map(code_NL, dict.fromkeys(range(60), "x"), [])
    (axes,) = drawn.axes
    assert axes.texts[-1].get_text() == "20 more · 20"
    rest, whole = axes.patches[-1], axes.get_xlim()[1]
    assert rest.get_width() == pytest.approx(whole * (60 - MOST_CODES) / 60)  # type: ignore[attr-defined]
