from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundle.semantic_id import IntArray, SemanticIdSpace
from index.resolution import CollisionConfig, EarlierIds, Resolved, resolve
from tests.index.codebooks import Codebooks, random_codebooks

SUFFIX, LAST = CollisionConfig(), CollisionConfig(policy="sinkhorn_last")


def identical(count: int, size: int) -> Resolved:
    books = random_codebooks((2, size))
    vectors_ND = np.tile(books.decode(np.array([[1, 1]])), (count, 1))
    return resolve(books.encode(vectors_ND), vectors_ND, books.decode, books.space, LAST)


def test_three_identical_vectors_get_three_codes_below_one_prefix() -> None:
    resolved = identical(3, 4)
    codes_NL = SemanticIdSpace((2, 4)).unpack(resolved.key_N)
    assert len(set(codes_NL[:, 1].tolist())) == 3 and set(codes_NL[:, 0].tolist()) == {1}
    report = resolved.report
    assert (report.groups, report.recoded, report.unresolved) == (1, 2, 0)


def test_what_codes_cannot_separate_gets_a_suffix_and_is_counted() -> None:
    resolved = identical(3, 2)
    assert resolved.report.unresolved == 1
    assert sorted(resolved.suffix_N.tolist()) == [0, 0, 1]
    assert len(set(zip(resolved.key_N.tolist(), resolved.suffix_N.tolist(), strict=True))) == 3


def test_items_outside_a_group_keep_their_codes_and_nobody_takes_them() -> None:
    space = SemanticIdSpace((1, 4))
    decode = Codebooks([np.zeros((1, 1), np.float32), np.arange(4, dtype=np.float32)[:, None]]).decode
    codes_NL = np.array([[0, 1], [0, 2], [0, 1], [0, 0]])
    vectors_ND = np.array([[1.1], [2.0], [1.0], [0.0]], dtype=np.float32)
    resolved = resolve(codes_NL, vectors_ND, decode, space, LAST)
    # Codes 0 and 2 are held, so one of the two moves to 3, which is the nearer to 1.1.
    assert resolved.key_N.tolist() == [3, 2, 1, 0]


def test_a_space_that_fills_64_bits_is_resolved_at_its_end() -> None:
    space = SemanticIdSpace((2**16,) * 4)
    top = [2**16 - 1] * 4
    decode = lambda codes_NL: codes_NL[:, -1:].astype(np.float32)  # noqa: E731
    vectors_ND = np.array([[2**16 - 1], [2**16 - 2]], dtype=np.float32)
    resolved = resolve(np.array([top, top]), vectors_ND, decode, space, LAST)
    assert space.unpack(resolved.key_N).tolist() == [top, [*top[:3], 2**16 - 2]]


@dataclass(frozen=True)
class Corpus:
    """Items by id, with the vectors that give their codes."""

    books: Codebooks
    vectors: dict[str, tuple[float, ...]]

    def resolve(self, ids: list[str], config: CollisionConfig, earlier: dict[str, Any] | None = None) -> dict[str, Any]:
        """(raw key, key, suffix) by item; ids are sorted, as a build sorts them."""
        ids = sorted(ids)
        vectors_ND = np.array([self.vectors[one] for one in ids], dtype=np.float32)
        known = None if earlier is None else _aligned(earlier, ids)
        resolved = resolve(
            self.books.encode(vectors_ND), vectors_ND, self.books.decode, self.books.space, config, known
        )
        columns = (resolved.raw_key_N.tolist(), resolved.key_N.tolist(), resolved.suffix_N.tolist())
        return dict(zip(ids, zip(*columns, strict=True), strict=True))


def _aligned(earlier: dict[str, Any], ids: list[str]) -> EarlierIds:
    rows: IntArray = np.array([earlier.get(one, (0, 0, 0)) for one in ids], dtype=np.int64)
    is_known_N = np.array([one in earlier for one in ids])
    return EarlierIds("v1", is_known_N, rows[:, 0].astype(np.uint64), rows[:, 1].astype(np.uint64), rows[:, 2])


@st.composite
def corpora(draw: Any) -> Corpus:
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    coordinate = st.sampled_from([-1.0, 0.0, 0.5, 1.0])
    vectors = draw(st.lists(st.tuples(coordinate, coordinate, coordinate), min_size=2, max_size=24))
    names = draw(st.permutations([f"i{n:02d}" for n in range(len(vectors))]))
    return Corpus(random_codebooks(sizes), dict(zip(names, vectors, strict=True)))


@given(corpora(), st.sampled_from([SUFFIX, LAST]), st.randoms(use_true_random=False))
def test_ids_are_unique_and_do_not_depend_on_the_order_of_the_input(
    corpus: Corpus, config: CollisionConfig, random: Any
) -> None:
    ids = list(corpus.vectors)
    found = corpus.resolve(ids, config)
    assert len({(key, suffix) for _, key, suffix in found.values()}) == len(ids)
    last = corpus.books.space.codebook_sizes[-1]
    assert all(raw // last == key // last for raw, key, _ in found.values())
    random.shuffle(ids)
    assert corpus.resolve(ids, config) == found


@given(corpora(), st.sampled_from([SUFFIX, LAST]), st.sampled_from([SUFFIX, LAST]), st.data())
def test_items_that_come_and_go_change_no_other_id(
    corpus: Corpus, config: CollisionConfig, later: CollisionConfig, data: Any
) -> None:
    ids = sorted(corpus.vectors)
    some = st.lists(st.sampled_from(ids), min_size=1, unique=True)
    before, now = data.draw(some), data.draw(some)
    earlier = corpus.resolve(before, config)
    found = corpus.resolve(now, later, earlier)
    assert len({(key, suffix) for _, key, suffix in found.values()}) == len(now)
    for item_id in set(before) & set(now):
        assert found[item_id] == earlier[item_id]


@given(corpora())
def test_codes_separate_all_that_room_is_for(corpus: Corpus) -> None:
    found = corpus.resolve(list(corpus.vectors), LAST)
    last = corpus.books.space.codebook_sizes[-1]
    raw = np.array([raw for raw, _, _ in found.values()])
    in_branch = np.unique(raw // last, return_counts=True)[1]
    assert sum(suffix > 0 for _, _, suffix in found.values()) == np.maximum(in_branch - last, 0).sum()


def test_an_item_whose_raw_codes_changed_is_placed_anew_and_counted() -> None:
    books = random_codebooks((2, 4))
    vectors_ND = books.decode(np.array([[0, 0], [0, 0], [1, 2]]))
    key = books.space.pack(np.array([[0, 0], [0, 0], [0, 0]]))
    earlier = EarlierIds("v1", np.array([True, True, True]), key, key, np.array([4, 1, 0]))
    resolved = resolve(books.encode(vectors_ND), vectors_ND, books.decode, books.space, SUFFIX, earlier)
    assert resolved.suffix_N.tolist() == [4, 1, 0]
    assert books.space.unpack(resolved.key_N).tolist() == [[0, 0], [0, 0], [1, 2]]
    assert (resolved.report.continues, resolved.report.kept, resolved.report.changed) == ("v1", 2, 1)


def test_a_new_item_is_numbered_after_those_kept_even_where_one_is_gone() -> None:
    books = random_codebooks((2, 4))
    vectors_ND = books.decode(np.array([[0, 0]] * 3))
    key = books.space.pack(np.array([[0, 0]] * 3))
    earlier = EarlierIds("v1", np.array([False, True, False]), key, key, np.array([0, 2, 0]))
    resolved = resolve(books.encode(vectors_ND), vectors_ND, books.decode, books.space, SUFFIX, earlier)
    assert resolved.suffix_N.tolist() == [3, 2, 4]


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(ValueError, match="suffix"):
        CollisionConfig.model_validate({"policy": "random"})
