from itertools import combinations

import pytest

from training.report.treemap import Rectangle, squarified


def test_boxes_of_a_tree_map_fill_it_with_the_given_areas() -> None:
    boxes = squarified([6, 6, 4, 3, 2, 2, 1], Rectangle(0, 0, 6, 4))
    assert [box.width * box.height for box in boxes] == pytest.approx([6, 6, 4, 3, 2, 2, 1])
    assert boxes[0] == pytest.approx((0, 0, 3, 2))  # the example of the paper: two squares of 3 x 2 at the left
    for one, other in combinations(boxes, 2):
        across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
        up = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
        assert min(across, up) <= 1e-9
