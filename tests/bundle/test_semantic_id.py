import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundle.errors import ConfigError, InvalidSemanticId
from bundle.semantic_id import SemanticId, SemanticIdSpace


@pytest.mark.parametrize(
    ("semantic_id", "text"), [(SemanticId((12, 200, 7)), "12-200-7"), (SemanticId((0,), 3), "0+3")]
)
def test_the_written_form_reads_back(semantic_id: SemanticId, text: str) -> None:
    assert str(semantic_id) == text
    assert SemanticId.parse(text) == semantic_id


@pytest.mark.parametrize("text", ["", "-", "1-", "1--2", "a-b", "1-2+", "1 2", "-1-2"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(InvalidSemanticId, match="write it as 12-200-7"):
        SemanticId.parse(text)


def test_packing_by_hand() -> None:
    # K = (2, 4): codes (1,0) (0,1) (1,2) (0,3) are keys 4 1 6 3, and prefix (1) covers keys 4..7.
    space = SemanticIdSpace((2, 4))
    codes = np.array([[1, 0], [0, 1], [1, 2], [0, 3]])
    assert space.pack(codes).tolist() == [4, 1, 6, 3]
    assert space.unpack(space.pack(codes)).tolist() == codes.tolist()
    assert space.prefix_range((1,)) == (4, 7)
    assert space.prefix_range((0,)) == (0, 3)
    assert space.prefix_range((1, 2)) == (6, 6)
    assert space.prefix_range(()) == (0, 7)


SIZES = st.lists(st.integers(1, 2048), min_size=1, max_size=5)


@given(SIZES, st.data())
def test_keys_sort_like_codes_and_prefix_ranges_partition(sizes: list[int], data: st.DataObject) -> None:
    space = SemanticIdSpace(sizes)
    code = st.tuples(*(st.integers(0, size - 1) for size in sizes))
    codes = data.draw(st.lists(code, min_size=1, max_size=20))
    keys = space.pack(np.array(codes))
    assert [codes[i] for i in np.argsort(keys, kind="stable")] == sorted(codes)
    assert [tuple(row) for row in space.unpack(keys)] == codes
    depth = data.draw(st.integers(0, len(sizes)))
    for key, row in zip(keys.tolist(), codes, strict=True):
        low, high = space.prefix_range(row[:depth])
        assert low <= key <= high
        inside = [c for c, k in zip(codes, keys.tolist(), strict=True) if low <= k <= high]
        assert all(c[:depth] == row[:depth] for c in inside)


@pytest.mark.parametrize(
    ("codes", "says"),
    [
        ([[1, 4]], "level 1: code 4 is outside 0..3"),
        ([[0, 0], [-1, 0]], "semantic ID 1, level 0: code -1"),
        ([[1]], "has 2 whole-number codes"),
        ([1, 2], "has 2 whole-number codes"),
        ([[1.0, 2.0]], "has 2 whole-number codes"),
    ],
)
def test_codes_out_of_range_are_refused(codes: list[object], says: str) -> None:
    with pytest.raises(InvalidSemanticId, match=says):
        SemanticIdSpace((2, 4)).pack(np.array(codes))


def test_rows_of_different_lengths_are_refused() -> None:
    with pytest.raises(InvalidSemanticId, match="has 2 whole-number codes"):
        SemanticIdSpace((2, 4)).check([[1, 2], [1]])


def test_prefixes_out_of_range_are_refused() -> None:
    space = SemanticIdSpace((2, 4))
    with pytest.raises(InvalidSemanticId, match="longer than the 2 levels"):
        space.prefix_range((0, 0, 0))
    with pytest.raises(InvalidSemanticId, match=r"code 2 is outside 0\.\.1"):
        space.prefix_range((2,))


def test_spaces_beyond_64_bits_are_refused() -> None:
    SemanticIdSpace((256,) * 8)
    with pytest.raises(ConfigError, match="fit 64 bits"):
        SemanticIdSpace((2048,) * 8)
