from hypothesis import given
from hypothesis import strategies as st

from tests.training.small_data import ints
from training.known import KnownPositives

PAIRS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 7)), max_size=25)
ROWS = st.lists(st.integers(0, 4), max_size=6)
ITEMS = st.lists(st.integers(0, 9), max_size=8)


@given(PAIRS, ROWS, ITEMS)
def test_mask_marks_exactly_the_known_pairs(pairs: list[tuple[int, int]], rows: list[int], items: list[int]) -> None:
    known = KnownPositives.from_interactions(ints(*(p[0] for p in pairs)), ints(*(p[1] for p in pairs)), 5)
    mask = known.mask(ints(*rows), ints(*items))
    assert mask.shape == (len(rows), len(items))
    assert mask.tolist() == [[(row, item) in set(pairs) for item in items] for row in rows]


def test_items_of_a_query_are_sorted_and_distinct() -> None:
    known = KnownPositives.from_interactions(ints(1, 1, 1, 0), ints(5, 2, 5, 9), 3)
    assert known.of(1).tolist() == [2, 5]
    assert known.of(2).tolist() == []
