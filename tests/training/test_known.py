from hypothesis import given
from hypothesis import strategies as st

from tests.training.small_data import ints, small_dataset
from training.known import KnownPositives, held_out_pairs

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


@given(PAIRS, st.sets(st.integers(0, 24)))
def test_held_out_pairs_are_those_that_only_the_held_out_interactions_have(
    pairs: list[tuple[int, int]], fit: set[int]
) -> None:
    pairs = pairs or [(0, 0)]
    fitted = [row for row in range(len(pairs)) if row in fit]
    held = [row for row in range(len(pairs)) if row not in fit]
    found = held_out_pairs(small_dataset(pairs).interactions, 8, ints(*fitted), ints(*held))
    expected = {pairs[row] for row in held} - {pairs[row] for row in fitted}
    assert found.tolist() == sorted(query * 8 + item for query, item in expected)
