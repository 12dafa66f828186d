import itertools
import sys
import time

import faiss
import numpy as np
import pytest

from benchmarks import gpu_index
from benchmarks.gpu_index import AllCores, speeds
from index.corpus import Corpus
from index.kinds.flat import FlatKind
from index.searcher import RowSearcher
from tests.contracts.index_kind import clustered, exact

N_GPUS = faiss.get_num_gpus() if hasattr(faiss, "StandardGpuResources") else 0


@pytest.mark.skipif(N_GPUS > 0, reason="there is a GPU")
def test_without_a_gpu_it_says_so_and_ends_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu_index"])
    gpu_index.main()
    assert capsys.readouterr().out.startswith('nothing measured: device "cuda" was asked for')


def test_the_cpu_baseline_answers_as_the_product_does() -> None:
    vectors_ND, query_BD = clustered(500), clustered(7, seed=2)
    rows = RowSearcher(AllCores(FlatKind().build(Corpus(vectors_ND), 0)), FlatKind(), vectors_ND)
    np.testing.assert_array_equal(rows.search(query_BD, 5)[1], exact(query_BD, vectors_ND, 5))


def test_a_speed_is_queries_over_time_in_calls_of_each_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_index, "LEAST_SECONDS", 5)
    clock = itertools.count()
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    sizes: list[int] = []
    found = speeds(lambda query_BD, k: sizes.append(len(query_BD)), np.zeros((4_096, 2), dtype=np.float32))
    assert set(sizes) == {1, 64, 4_096}
    assert found[64] == pytest.approx(64 * found[1])
    assert found[4_096] == pytest.approx(4_096 * found[1])
