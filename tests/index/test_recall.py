import numpy as np
import pytest
from numpy.typing import NDArray

from bundle.progress import NoProgress
from index.corpus import Corpus
from index.errors import RecallBelowTarget
from index.kinds import IndexKind
from index.kinds.flat import FlatKind
from index.kinds.hnsw import HnswKind
from index.kinds.ivf_flat import IvfFlatKind
from index.kinds.ivf_rabitq import IvfRabitqKind
from index.queries import RecallQueries, item_queries
from index.recall import Measured, measure, of_role
from tests.contracts.index_kind import clustered, exact, searcher


def run(
    kind: IndexKind, vectors_ND: NDArray[np.float32], queries: RecallQueries | None = None, target: float | None = None
) -> Measured:
    kind = kind.resolve(Corpus(vectors_ND))
    queries = queries or item_queries(vectors_ND, 100, seed=0)
    index = kind.build(Corpus(vectors_ND), 0)
    return measure(index, kind, vectors_ND, queries, target=target, threads=1, progress=NoProgress())


def test_recall_is_the_overlap_with_exact_search_without_the_query_itself() -> None:
    vectors_ND, kind = clustered(1_500), IvfFlatKind(nlist=64, nprobe=2)
    queries = item_queries(vectors_ND, 100, seed=0)
    assert queries.own_rows_Q is not None
    report = run(kind, vectors_ND, queries).report
    found = searcher(kind, vectors_ND).search(queries.vectors_QD, 11)[1].tolist()
    truth = exact(queries.vectors_QD, vectors_ND, 11).tolist()
    shares = []
    for own, mine, best in zip(queries.own_rows_Q.tolist(), found, truth, strict=True):
        ten, best_ten = ([row for row in rows if row != own][:10] for rows in (mine, best))
        shares.append(len(set(ten) & set(best_ten)) / 10)
    assert (report.queries, report.n_queries, report.k) == ("items", 100, 10)
    assert report.recall == pytest.approx(np.mean(shares), abs=1e-6)
    assert 0.2 < report.recall < 0.999


def test_flat_is_perfect_also_on_a_catalogue_of_duplicates() -> None:
    vectors_ND = np.repeat(clustered(20), 30, axis=0)
    assert run(FlatKind(), vectors_ND).report.recall == 1


def test_held_back_queries_are_compared_with_all_items() -> None:
    vectors_ND = clustered(800)
    report = run(FlatKind(), vectors_ND, RecallQueries(clustered(30, seed=4), None)).report
    assert (report.queries, report.n_queries, report.k, report.recall) == ("table", 30, 10, 1)


@pytest.mark.parametrize(("count", "k"), [(1, 0), (2, 1), (5, 4), (11, 10), (12, 10)])
def test_a_corpus_of_few_items_compares_what_there_is(count: int, k: int) -> None:
    report = run(FlatKind(), clustered(count)).report
    assert (report.k, report.recall) == (k, 1)
    assert report.n_queries == (count if k else 0)


def test_every_measured_setting_is_in_the_table_and_more_cells_never_find_less() -> None:
    report = run(IvfFlatKind(nlist=64, nprobe=3), clustered(1_500)).report
    assert [point.params["nprobe"] for point in report.points] == [1, 3, 4, 16, 64]
    recalls = [point.recall for point in report.points]
    assert recalls == sorted(recalls)
    assert recalls[-1] == 1


def test_a_target_raises_nprobe_to_the_first_doubling_that_meets_it() -> None:
    measured = run(IvfFlatKind(nlist=64, nprobe=1), clustered(1_500), target=0.97)
    by_nprobe = {point.params["nprobe"]: point.recall for point in measured.report.points}
    chosen = measured.kind.setting()["nprobe"]
    assert measured.report.recall == by_nprobe[chosen] >= 0.97
    assert by_nprobe[chosen // 2] < 0.97
    assert measured.report.target == 0.97


@pytest.mark.parametrize(
    ("start", "raised"), [({"nprobe": 64, "refine": 1}, "refine"), ({"nprobe": 1, "refine": 64}, "nprobe")]
)
def test_a_target_raises_the_parameter_that_recall_hangs_on(start: dict[str, int], raised: str) -> None:
    kind = IvfRabitqKind(nlist=128, **start)
    measured = run(kind, clustered(2_000), target=0.97)
    changed = {name for name, value in measured.kind.setting().items() if value != start[name]}
    assert changed == {raised}
    assert measured.report.recall >= 0.97


def test_a_target_that_is_met_changes_nothing() -> None:
    kind = IvfFlatKind(nlist=4, nprobe=4)
    assert run(kind, clustered(300), target=0.9).kind == kind


def test_a_target_out_of_reach_says_how_far_the_kind_came() -> None:
    vectors_ND = np.random.default_rng(0).standard_normal((6_000, 64)).astype(np.float32)
    weak = HnswKind(m=2, ef_construction=2, ef_search=1)
    with pytest.raises(RecallBelowTarget, match=r"kind hnsw reaches index recall 0\.\d+.*below the target 1") as caught:
        run(weak, vectors_ND, target=1.0)
    assert caught.value.context["target"] == 1.0


def test_what_misses_its_target_says_in_which_of_two_roles() -> None:
    missed = RecallBelowTarget("kind hnsw reaches .8", target=0.9, recall=0.8)
    with pytest.raises(RecallBelowTarget, match=r"^in the in role, kind hnsw reaches \.8$") as caught, of_role("in"):
        raise missed
    assert caught.value.context == {"target": 0.9, "recall": 0.8, "role": "in"}
    with pytest.raises(RecallBelowTarget) as caught, of_role(None):
        raise missed
    assert caught.value is missed
