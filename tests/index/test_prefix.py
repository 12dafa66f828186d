from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundle.errors import InvalidSemanticId, UnknownItem
from bundle.semantic_id import SemanticId, SemanticIdSpace
from index.ids import ItemIds, id_table
from index.prefix import Child, Holders, PrefixIndex, semantic_id_table
from tests.index.codebooks import suffixed


def build(codes: list[list[int]], sizes: tuple[int, ...], suffixes: list[int] | None = None) -> PrefixIndex:
    space = SemanticIdSpace(sizes)
    names = [f"i{row:04d}" for row in range(len(codes))]
    ids = ItemIds(id_table(pa.chunked_array([names])).combine_chunks().to_batches()[0])
    resolved = suffixed(np.array(codes, dtype=np.int64), space)
    if suffixes is not None:
        resolved = replace(resolved, suffix_N=np.array(suffixes, dtype=np.int64))
    batch = semantic_id_table(resolved).combine_chunks().to_batches()[0]
    return PrefixIndex(batch, space, ids)


def test_the_worked_example() -> None:
    # Codebooks of 2 and 4; packed keys 4, 1, 6, 3.
    index = build([[1, 0], [0, 1], [1, 2], [0, 3]], (2, 4))
    assert index.item_ids([1], 9) == ["i0000", "i0002"]
    assert index.item_ids([0], 9) == ["i0001", "i0003"]
    assert index.children([]) == [Child(0, 2), Child(1, 2)]
    assert index.children([1]) == [Child(0, 1), Child(2, 1)]
    assert index.children([1, 2]) == []
    assert index.count([]) == 4


@st.composite
def spaces_and_codes(draw: Any) -> tuple[tuple[int, ...], list[list[int]]]:
    sizes = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    code = st.tuples(*(st.integers(0, size - 1) for size in sizes)).map(list)
    return sizes, draw(st.lists(code, min_size=1, max_size=30))


@given(spaces_and_codes())
def test_every_prefix_agrees_with_brute_force(case: tuple[tuple[int, ...], list[list[int]]]) -> None:
    sizes, codes = case
    index = build(codes, sizes)
    ranked = sorted(range(len(codes)), key=lambda row: (codes[row], row))
    for depth in range(len(sizes) + 1):
        for prefix in product(*(range(size) for size in sizes[:depth])):
            below = [row for row in ranked if tuple(codes[row][:depth]) == prefix]
            assert index.count(prefix) == len(below)
            assert index.item_ids(prefix, 100) == [f"i{row:04d}" for row in below]
            assert index.item_ids(prefix, 2, offset=1) == [f"i{row:04d}" for row in below[1:3]]
            following = [codes[row][depth] for row in below] if depth < len(sizes) else []
            assert index.children(prefix) == [Child(c, following.count(c)) for c in sorted(set(following))]


@given(spaces_and_codes())
def test_keys_are_equal_where_prefixes_are_and_are_counted(case: tuple[tuple[int, ...], list[list[int]]]) -> None:
    sizes, codes = case
    index = build(codes, sizes)
    for level in range(1, len(sizes) + 1):
        keys_N = index.keys(np.arange(len(codes)), level)
        assert index.space.prefix_codes(keys_N, level).tolist() == [one[:level] for one in codes]
        used, counts = np.unique(keys_N, return_counts=True)
        for _ in range(2):
            key_P, count_P = index.counts(level)
            np.testing.assert_array_equal(key_P, used)
            np.testing.assert_array_equal(count_P, counts)


@given(spaces_and_codes())
def test_semantic_ids_are_unique_and_find_their_item(case: tuple[tuple[int, ...], list[list[int]]]) -> None:
    sizes, codes = case
    index = build(codes, sizes)
    names = [f"i{row:04d}" for row in range(len(codes))]
    semantic_ids = index.semantic_ids(names)
    assert len(set(semantic_ids)) == len(names)
    assert [list(one.codes) for one in semantic_ids] == codes
    assert [index.item(one) for one in semantic_ids] == names


@given(spaces_and_codes(), st.integers(0, 3), st.integers(0, 40))
def test_holders_are_the_items_under_the_full_code(
    case: tuple[tuple[int, ...], list[list[int]]], limit: int, suffix: int
) -> None:
    sizes, codes = case
    index = build(codes, sizes)
    full = list(product(*(range(size) for size in sizes)))
    asked = [SemanticId(one) for one in full] + [SemanticId(one, 1 + suffix) for one in full]
    for semantic_id, holders in zip(asked, index.holders(asked, limit), strict=True):
        names = [f"i{row:04d}" for row in range(len(codes)) if tuple(codes[row]) == semantic_id.codes]
        if semantic_id.suffix:
            named = names[semantic_id.suffix :][:1]
            assert holders == Holders(len(named), [semantic_id.suffix] * len(named[:limit]), named[:limit])
        else:
            assert holders == Holders(len(names), list(range(len(names)))[:limit], names[:limit])
            assert index.holders([semantic_id], limit, offset=1)[0].item_ids == names[1:][:limit]


def test_the_suffix_is_the_rank_by_item_id_among_equal_codes() -> None:
    index = build([[1], [0], [1], [1], [0]], (2,))
    assert [one.suffix for one in index.semantic_ids([f"i000{n}" for n in range(5)])] == [0, 0, 1, 2, 1]


def test_suffixes_with_gaps_and_out_of_the_order_of_ids_find_their_item() -> None:
    index = build([[1], [0], [1], [1]], (2,), suffixes=[7, 0, 2, 4])
    assert index.item_ids([1], 9) == ["i0002", "i0003", "i0000"]
    assert [index.item(SemanticId((1,), suffix)) for suffix in (2, 4, 7)] == ["i0002", "i0003", "i0000"]
    for missing in (0, 3, 8):
        with pytest.raises(UnknownItem):
            index.item(SemanticId((1,), missing))


def test_a_space_that_fills_64_bits_works_at_its_ends() -> None:
    sizes = (2**16,) * 4
    top = [2**16 - 1] * 4
    index = build([top, [0] * 4, top], sizes)
    assert index.count([]) == 3
    assert index.item_ids(top, 5) == ["i0000", "i0002"]
    assert index.children([]) == [Child(0, 1), Child(2**16 - 1, 2)]


def test_codes_outside_the_codebooks_are_refused_and_unused_ones_find_nothing() -> None:
    index = build([[0, 1]], (2, 2))
    for prefix in ([2], [-1], [0, 1, 0]):
        with pytest.raises(InvalidSemanticId):
            index.count(prefix)
    assert index.item_ids([1], 5) == []
    with pytest.raises(UnknownItem, match=r"0-1\+1"):
        index.item(SemanticId((0, 1), 1))
    with pytest.raises(InvalidSemanticId):
        index.item(SemanticId((0,)))
