import numpy as np
import pytest

from index.allowed_rows import AllowedRows
from index.example_ranking import LEAST_CANDIDATES, ExampleRanker
from index.example_sets import ExampleSet, FloatArray, example_set
from index.kinds import IndexKind
from index.kinds.flat import FlatKind
from index.kinds.ivf_flat import IvfFlatKind
from index.ranking import DenseRanker, IntArray, Queries, Ranker, Ranking
from tests.contracts.index_kind import clustered
from tests.contracts.ranker import RankerContract
from tests.index.test_ranking import role

N_ITEMS = 900
VECTORS = clustered(N_ITEMS)
NOTHING = VECTORS[:0]


def one(all_rows: list[int], any_rows: list[int], none_rows: list[int]) -> ExampleSet:
    named = np.array([*all_rows, *any_rows, *none_rows])
    return example_set(VECTORS[all_rows], VECTORS[any_rows], VECTORS[none_rows], named, "examples[0]")


SETS = [one([1, 40], [], []), one([], [7, 300, 7], [12]), one([5], [80, 81], [100, 200])]


class TestContract(RankerContract):
    @pytest.fixture
    def n_items(self) -> int:
        return N_ITEMS

    @pytest.fixture
    def ranker(self) -> Ranker:
        made = role(VECTORS, FlatKind())
        return ExampleRanker(DenseRanker(made), made)

    @pytest.fixture
    def queries(self) -> Queries:
        return Queries(own_rows_B=np.array([1, 12, 200]), sets=SETS)  # one of the rows that each set names


def best(given: ExampleSet, rows_R: IntArray) -> tuple[FloatArray, IntArray]:
    """Every row ranked, but the named ones."""
    rows_R = np.setdiff1d(rows_R, given.named_rows_M)
    score_R = given.scores(VECTORS[rows_R])
    order = np.argsort(-score_R, kind="stable")
    return score_R[order], rows_R[order]


@pytest.mark.parametrize("kind", [FlatKind(), IvfFlatKind(nlist=32, nprobe=2)], ids=lambda kind: kind.kind)
def test_rankings_are_full_exact_and_without_what_is_named(kind: IndexKind) -> None:
    made = role(VECTORS, kind)
    for depth in (1, 10, N_ITEMS):
        ranking = ExampleRanker(DenseRanker(made), made).rank(Queries(sets=SETS), depth)
        for b, given in enumerate(SETS):
            score_K, row_K = ranking.of(b, depth)
            assert ranking.total_B[b] == N_ITEMS - len(given.named_rows_M)
            assert len(row_K) == min(depth, ranking.total_B[b])
            assert len(set(row_K)) == len(row_K) and not set(row_K) & set(given.named_rows_M)
            assert (np.diff(score_K) <= 0).all()
            np.testing.assert_allclose(score_K, given.scores(VECTORS[row_K]), atol=1e-6)
    np.testing.assert_allclose(ranking.of(0, N_ITEMS)[0], best(SETS[0], np.arange(N_ITEMS))[0], atol=1e-6)


def test_the_candidates_hold_nearly_all_of_the_best() -> None:
    made = role(VECTORS, FlatKind())
    ranking = ExampleRanker(DenseRanker(made), made).rank(Queries(sets=SETS), 10)
    for b, given in enumerate(SETS):
        wanted = set(best(given, np.arange(N_ITEMS))[1][:10].tolist())
        assert len(wanted & set(ranking.of(b, 10)[1].tolist())) >= 9


def test_joined_sets_keep_their_order() -> None:
    queries = Queries(sets=SETS)
    joined = Queries.joined([queries.at([2]), queries.at([0, 1])])
    assert joined.example_sets() == [SETS[2], SETS[0], SETS[1]] and len(joined) == 3


class Allowing:
    """Ranks allowed rows only."""

    def __init__(self, allowed: AllowedRows) -> None:
        self.allowed = allowed
        self.depth = 0

    def rank(self, queries: Queries, depth: int) -> Ranking:
        self.depth = depth
        rows_R = self.allowed.rows()
        scores_BR = queries.embedded() @ VECTORS[rows_R].T
        order_BR = np.argsort(-scores_BR, axis=1)[:, :depth]
        total_B = np.full(len(queries), len(rows_R))
        return Ranking(np.take_along_axis(scores_BR, order_BR, axis=1), rows_R[order_BR], total_B)


@pytest.mark.parametrize("n_allowed", [60, 3])
def test_named_rows_that_a_filter_excludes_are_not_counted_twice(n_allowed: int) -> None:
    allowed = AllowedRows.of_mask(np.arange(N_ITEMS) < n_allowed)
    inner: Ranker = Allowing(allowed)
    ranking = ExampleRanker(inner, role(VECTORS, FlatKind()), allowed=allowed).rank(Queries(sets=SETS), 100)
    for b, given in enumerate(SETS):
        expected = best(given, np.arange(n_allowed))
        assert ranking.total_B[b] == len(expected[1])
        np.testing.assert_allclose(ranking.of(b, 100)[0], expected[0], atol=1e-6)


def test_candidates_are_as_many_as_asked_and_enough_for_the_depth() -> None:
    inner = Allowing(AllowedRows.of_mask(np.ones(N_ITEMS, dtype=bool)))
    made = role(VECTORS, FlatKind())
    for n_candidates, depth, wanted in ((None, 10, LEAST_CANDIDATES), (30, 10, 30), (30, 50, 50)):
        ExampleRanker(inner, made, n_candidates).rank(Queries(sets=SETS[:1]), depth)
        assert inner.depth == wanted + 2  # the two named rows may be among them


def test_queries_that_are_no_sets_are_refused() -> None:
    made = role(VECTORS, FlatKind())
    with pytest.raises(ValueError, match="sets of examples"):
        ExampleRanker(DenseRanker(made), made).rank(Queries(VECTORS[:1]), 3)
