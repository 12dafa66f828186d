import numpy as np
import pytest

from benchmarks.index_parts.kinds import TRIALS, Trial, clustered_world, kth_scores, method_of, recall, trials_of
from index.kinds.flat import FlatKind
from index.kinds.ivf_rabitq import IvfRabitqKind


def test_recall_counts_any_of_equal_items_and_nothing_below_the_exact_last() -> None:
    vectors_ND = np.concatenate([np.eye(12, dtype=np.float32), np.eye(12, dtype=np.float32)])
    kth_Q = kth_scores(vectors_ND, np.arange(12, dtype=np.float32)[None])
    assert kth_Q.tolist() == [7]  # 11 11 10 10 9 9 8 8 7 7
    assert recall(np.array([[11, 11, 10, 10, 9, 9, 8, 8, 7, 6]], dtype=np.float32), kth_Q) == pytest.approx(0.9)


def test_slow_kinds_run_where_it_is_small_or_in_full() -> None:
    small, large = clustered_world(1_000, 8, is_small=True), clustered_world(2_000_000, 8)
    every = [trial.method for trial in TRIALS]
    assert [trial.method for trial in trials_of(small, full=False)] == every
    assert [trial.method for trial in trials_of(large, full=True)] == every
    assert not {"hnsw", "ivf-pq"} & {trial.method for trial in trials_of(large, full=False)}
    assert (small.task, large.task) == ("clustered-1k-8", "clustered-2m-8")


def test_small_codes_of_many_dimensions_get_fewer_lists() -> None:
    lists = {
        trial.method: getattr(trial.kinds[0], "nlist", None)
        for trial in trials_of(clustered_world(1_000, 384), full=True)
    }
    assert {method for method, nlist in lists.items() if nlist is not None} == {"ivf-rabitq-1"}


def test_a_method_says_refine_where_that_is_what_differs() -> None:
    kinds = (IvfRabitqKind(refine=1), IvfRabitqKind(refine=4))
    assert [method_of(Trial("x", kinds), kind) for kind in kinds] == ["x-refine-1", "x-refine-4"]
    assert method_of(Trial("flat", (FlatKind(),)), FlatKind()) == "flat"
    assert method_of(Trial("default", (FlatKind(),)), IvfRabitqKind()) == "default-ivf-rabitq"
