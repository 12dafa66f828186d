import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import ContradictoryExamples
from index.example_sets import ExampleSet, FloatArray, example_set
from tests.index.hubness.hubs import unit

NOTHING = np.empty((0, 6), dtype=np.float32)


def vectors(count: int, seed: int) -> FloatArray:
    return unit(np.random.default_rng(seed).normal(size=(count, 6)))


def made(all_MD: FloatArray = NOTHING, any_MD: FloatArray = NOTHING, none_MD: FloatArray = NOTHING) -> ExampleSet:
    return example_set(all_MD, any_MD, none_MD, np.array([5, 2, 5]), "examples[0]")


CORPUS = vectors(50, seed=99)
SEEDS = st.integers(0, 1_000)


@given(SEEDS)
def test_a_set_with_itself_is_itself(seed: int) -> None:
    one = vectors(1, seed)
    twice = np.concatenate([one, one])
    plain_N = CORPUS @ one[0]
    for given_set in (made(all_MD=one), made(any_MD=one), made(all_MD=twice), made(any_MD=twice), made(one, one)):
        np.testing.assert_allclose(given_set.scores(CORPUS), plain_N, atol=1e-6)


@given(SEEDS)
def test_order_within_a_part_does_not_matter(seed: int) -> None:
    some, none = vectors(3, seed), vectors(2, seed + 1)
    for name in ("all_MD", "any_MD"):
        forth = made(**{name: some}, none_MD=none).scores(CORPUS)
        back = made(**{name: some[::-1]}, none_MD=none[::-1]).scores(CORPUS)
        np.testing.assert_allclose(forth, back, atol=1e-5)


@given(SEEDS)
def test_union_is_above_and_intersection_below_every_example(seed: int) -> None:
    some = vectors(3, seed)
    plain_MN = some @ CORPUS.T
    np.testing.assert_allclose(made(any_MD=some).scores(CORPUS), plain_MN.max(axis=0), atol=1e-6)
    np.testing.assert_allclose(made(all_MD=some).scores(CORPUS), plain_MN.min(axis=0), atol=1e-6)
    both = made(all_MD=some[:1], any_MD=some[1:]).scores(CORPUS)
    np.testing.assert_allclose(both, np.minimum(plain_MN[0], plain_MN[1:].max(axis=0)), atol=1e-6)


@given(SEEDS)
def test_what_none_of_spans_is_taken_out_and_lengths_stay(seed: int) -> None:
    some, none = 3 * vectors(2, seed), vectors(3, seed + 1)
    left = made(all_MD=some, none_MD=none).all_MD
    np.testing.assert_allclose(left @ none.T, 0, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(left, axis=1), 3, rtol=1e-5)
    repeated = np.concatenate([none, none, none[:1] + none[1:2]])  # spans no more
    np.testing.assert_allclose(made(all_MD=some, none_MD=repeated).all_MD, left, atol=1e-4)


def test_on_axes_that_are_labels_the_operations_are_those_of_sets() -> None:
    """Items and examples are sums of the axes that are their labels."""
    labels = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1]])
    items_ND = unit(labels.astype(np.float64))
    a, b, ab = items_ND[[0]], items_ND[[1]], items_ND[[2]]
    nothing = np.empty((0, 4), dtype=np.float32)

    def first(all_MD: FloatArray, any_MD: FloatArray, none_MD: FloatArray) -> int:
        found = example_set(all_MD, any_MD, none_MD, np.array([], dtype=np.int64), "x").scores(items_ND)
        return int(np.argmax(found))

    assert first(np.concatenate([a, b]), nothing, nothing) == 2
    assert first(ab, nothing, b) == 0
    union = example_set(nothing, np.concatenate([a, b]), nothing, np.array([0]), "x").scores(items_ND)
    assert set(np.argsort(-union, kind="stable")[:2].tolist()) == {0, 1} and union[5] == union.min() == 0


def test_an_example_that_none_of_swallows_is_named() -> None:
    some = vectors(2, 0)
    with pytest.raises(ContradictoryExamples, match=r"examples\[0\]\.all_of\[1\] has nothing"):
        made(all_MD=some, none_MD=some[1:])
    with pytest.raises(ContradictoryExamples, match=r"examples\[0\]\.any_of\[0\] has nothing"):
        made(any_MD=some[:1], none_MD=vectors(6, 1))  # they span everything
    made(all_MD=np.zeros((1, 6), np.float32), none_MD=some)  # a zero vector has nothing to lose
    np.testing.assert_allclose(made(all_MD=some, none_MD=np.zeros((1, 6), np.float32)).all_MD, some)


def test_candidates_are_sought_near_each_example_and_near_all() -> None:
    some = vectors(3, 0)
    np.testing.assert_allclose(made(some[:1], some[1:]).directions(), [*some, some.sum(axis=0)], atol=1e-6)
    np.testing.assert_allclose(made(some[:1]).directions(), some[:1])
    assert made(some).named_rows_M.tolist() == [2, 5]
