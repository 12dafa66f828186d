import faiss
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from index.allowed_rows import AllowedRows


@given(st.lists(st.booleans(), min_size=1, max_size=70))
def test_the_set_holds_what_the_mask_says(mask: list[bool]) -> None:
    allowed = AllowedRows.of_mask(np.array(mask))
    assert [allowed.contains(row) for row in range(len(mask))] == mask
    assert allowed.mask(len(mask)).tolist() == mask
    assert allowed.rows().tolist() == [row for row, is_allowed in enumerate(mask) if is_allowed]
    assert allowed.count == sum(mask)
    padded = np.array([[-1, *range(len(mask))]])
    assert allowed.contains_each(padded).tolist() == [[False, *mask]]


@given(st.lists(st.booleans(), min_size=1, max_size=70))
def test_faiss_reads_the_bits_in_the_same_order(mask: list[bool]) -> None:
    allowed = AllowedRows.of_mask(np.array(mask))
    selector = faiss.IDSelectorBitmap(len(allowed.bits), faiss.swig_ptr(allowed.bits))
    assert [selector.is_member(row) for row in range(len(mask))] == mask


def test_few_rows_are_listed_once_and_counted_as_memory() -> None:
    few, many = (AllowedRows.of_mask(np.arange(100_000) < size) for size in (500, 70_000))
    assert few.rows() is few.rows()
    assert many.rows() is not many.rows()
    assert (few.n_bytes, many.n_bytes) == (12_500 + 8 * 500, 12_500)
