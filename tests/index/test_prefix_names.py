import numpy as np
import pyarrow as pa
import pytest

from bundle.semantic_id import IntArray, SemanticIdSpace
from index import prefix_names
from index.ids import ItemIds, id_table
from index.prefix_names import PrefixName, PrefixNames, prefix_name_table
from index.words import read_words


def names_of(codes: list[list[int]], sizes: tuple[int, ...], vectors_ND: np.ndarray, texts: list[str]) -> PrefixNames:
    space = SemanticIdSpace(sizes)
    key_N = space.pack(np.array(codes))
    order_N: IntArray = np.argsort(key_N, kind="stable")
    words = read_words([pa.chunked_array([texts])])
    table = prefix_name_table(key_N[order_N], order_N, vectors_ND.astype(np.float32), space, words)
    ids = ItemIds(
        id_table(pa.chunked_array([[f"i{row}" for row in range(len(codes))]])).combine_chunks().to_batches()[0]
    )
    batches = table.combine_chunks().to_batches()
    return PrefixNames(batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema), space, ids)


def test_the_nearest_to_the_mean_and_the_words_of_its_own() -> None:
    codes = [[0, 0], [1, 0], [0, 0], [0, 1], [0, 2], [1, 3]]
    # Prefix 0 holds 0, 2, 3, 4 at 0, 1, 2, 9: mean 3, so i3, i2, i0. Prefix 1 holds i1 and i5, equally far.
    vectors_ND = np.array([[0], [5], [1], [2], [9], [7]])
    texts = ["red mug", "red lamp", "red mug", "red mug", "red cup", "red lamp"]
    names = names_of(codes, (2, 4), vectors_ND, texts)
    assert len(names) == 2
    assert names.at([[1], [0]]) == [
        PrefixName(["i1", "i5"], ["lamp"]),
        PrefixName(["i3", "i2", "i0"], ["mug"]),
    ]


def test_full_codes_the_root_and_single_items_have_no_name() -> None:
    names = names_of([[0, 0], [0, 0], [1, 0]], (3, 4), np.zeros((3, 1)), ["a"] * 3)
    assert names.at([[], [0, 0], [1], [2]]) == [None] * 4
    assert names.at([[0]])[0] == PrefixName(["i0", "i1"], [])
    assert len(names_of([[0], [0]], (4,), np.zeros((2, 1)), ["a"] * 2)) == 0


def test_a_prefix_that_is_all_of_its_parent_has_its_words() -> None:
    codes = [[0, 2, 0], [0, 2, 1], [1, 0, 0], [1, 1, 0]]
    names = names_of(codes, (2, 3, 2), np.zeros((4, 1)), ["red mug", "red mug", "red lamp", "red lamp"])
    assert [name.words for name in names.at([[0], [0, 2]]) if name] == [["mug"], ["mug"]]


@pytest.mark.parametrize("batch", [1, 7, 10_000])
def test_batches_change_nothing_against_brute_force(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefix_names, "ROW_BATCH", batch)
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 3, size=(120, 3))
    vectors_ND = rng.normal(size=(120, 4)).astype(np.float32)
    names = names_of(codes.tolist(), (3, 3, 3), vectors_ND, ["a"] * 120)
    for length in (1, 2):
        for prefix in {tuple(row[:length]) for row in codes.tolist()}:
            rows = np.flatnonzero((codes[:, :length] == prefix).all(1))
            away = ((vectors_ND[rows] - vectors_ND[rows].mean(0, dtype=np.float64)) ** 2).sum(1)
            name = names.at([prefix])[0]
            assert name is not None
            assert name.items == [f"i{row}" for row in rows[np.argsort(away)][:3]]


def test_keys_that_fill_64_bits_have_names() -> None:
    top = [2**16 - 1] * 4
    names = names_of([top, [0] * 4, top], (2**16,) * 4, np.zeros((3, 1)), ["a"] * 3)
    assert names.at([top[:3]])[0] == PrefixName(["i0", "i2"], [])
