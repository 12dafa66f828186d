from pathlib import Path

import numpy as np
import pytest

from benchmarks.index_parts.index_process import _in_a_process, _peak, build, search
from index.corpus import Corpus
from index.kinds.ivf_rabitq import IvfRabitqKind
from tests.contracts.index_kind import clustered


def test_a_build_and_its_searches_are_those_of_the_product(tmp_path: Path) -> None:
    vectors_ND, queries_QD = clustered(3_000), clustered(20, seed=1)
    np.save(tmp_path / "vectors.npy", vectors_ND)
    kind = IvfRabitqKind().resolve(Corpus(vectors_ND))
    built = build(kind, tmp_path / "vectors.npy", tmp_path / "index.faiss")
    assert built.file_bytes == (tmp_path / "index.faiss").stat().st_size
    assert built.cpu_s > 0 and built.peak_bytes > 0
    kinds = [kind.model_copy(update={"nprobe": 1, "refine": 1}), kind.model_copy(update={"nprobe": 128, "refine": 64})]
    narrow, wide = search(kinds, tmp_path / "vectors.npy", tmp_path / "index.faiss", queries_QD, 10)
    exact_QK = -np.sort(-(queries_QD @ vectors_ND.T), axis=1)[:, :10]
    np.testing.assert_allclose(wide.scores_QK, exact_QK, atol=1e-5)
    assert narrow.scores_QK.sum() < wide.scores_QK.sum()
    assert narrow.cpu_us_per_query < wide.cpu_us_per_query


def allocate(count: int) -> int:
    with _peak() as peak:
        block = np.ones(count, dtype=np.uint8)
    return peak[0] if block.all() else 0


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="allocated memory is told by Linux only")
def test_the_peak_is_what_was_allocated_in_between() -> None:
    assert _in_a_process(allocate, 40_000_000) == pytest.approx(40_000_000, rel=0.2)
