import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import faiss
import numpy as np
import pytest

from index.corpus import Corpus
from index.device import GPU_LARGEST_K, CpuIndex, DeviceName, check_gpu, place
from index.errors import DeviceUnavailable, InvalidSearchParams, VersionClosed
from index.kinds import IndexKind
from index.kinds.flat import FlatKind
from index.kinds.hnsw import HnswKind
from index.kinds.ivf_flat import IvfFlatKind
from index.kinds.ivf_pq import IvfPqKind
from index.kinds.ivf_rabitq import IvfRabitqKind
from index.kinds.ivf_sq8 import IvfSq8Kind
from tests.contracts.index_kind import clustered

N_GPUS = faiss.get_num_gpus() if hasattr(faiss, "StandardGpuResources") else 0
needs_gpu = pytest.mark.skipif(N_GPUS < 1, reason="no CUDA device that this faiss can use")
ON_GPU: list[IndexKind] = [
    FlatKind(),
    IvfFlatKind(nlist=16, nprobe=8),
    IvfSq8Kind(nlist=16, nprobe=8),
    IvfPqKind(nlist=16, nprobe=8),
]
MUTATORS = ("add", "add_with_ids", "remove_ids", "reset", "train", "merge_from")


def test_a_placed_index_has_nothing_that_changes_it() -> None:
    placed = place(FlatKind().build(Corpus(clustered(10)), 0), FlatKind(), "cpu")
    assert not [name for name in MUTATORS if hasattr(placed, name)]


def test_adding_to_a_mapped_index_aborts_the_process_which_is_why_it_is_hidden(tmp_path: Path) -> None:
    path = tmp_path / "index.faiss"
    faiss.write_index(FlatKind().build(Corpus(clustered(10)), 0), str(path))
    code = (
        "import sys, faiss, numpy as np\n"
        "index = faiss.read_index(sys.argv[1], faiss.IO_FLAG_MMAP_IFC)\n"
        "try:\n    index.add(np.zeros((1, 16), dtype='float32'))\n"
        "except BaseException:\n    sys.exit(7)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, check=False)
    assert done.returncode < 0, "faiss no longer aborts: the mapping guard may be relaxed"


def test_searching_threads_use_one_openmp_thread_each() -> None:
    placed = CpuIndex(FlatKind().build(Corpus(clustered(10)), 0))

    def search() -> int:
        faiss.omp_set_num_threads(2)
        placed.search(clustered(1), 1, None)
        return int(faiss.omp_get_max_threads())

    with ThreadPoolExecutor(max_workers=3) as pool:
        assert {future.result() for future in [pool.submit(search) for _ in range(12)]} == {1}


def test_a_closed_index_says_so() -> None:
    placed = CpuIndex(FlatKind().build(Corpus(clustered(10)), 0))
    placed.close()
    with pytest.raises(VersionClosed):
        placed.search(clustered(1), 1, None)


@pytest.mark.parametrize("kind", [HnswKind(), IvfRabitqKind(nlist=2)], ids=lambda kind: kind.kind)
def test_what_faiss_cannot_move_to_a_gpu_is_refused_naming_the_kinds_that_go(kind: HnswKind | IvfRabitqKind) -> None:
    with pytest.raises(DeviceUnavailable, match="kind flat, ivf_flat, ivf_sq8 or ivf_pq, or serve"):
        place(kind.build(Corpus(clustered(10)), 0), kind, "cuda")


@pytest.mark.skipif(N_GPUS > 0, reason="there is a GPU")
@pytest.mark.parametrize("device", ["cuda", "cuda-shards"])
def test_without_a_gpu_the_error_says_why_and_what_to_do(device: DeviceName) -> None:
    with pytest.raises(DeviceUnavailable, match=r"without GPU support|sees no GPU") as caught:
        place(FlatKind().build(Corpus(clustered(10)), 0), FlatKind(), device)
    assert 'device = "cpu"' in caught.value.message


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("kind", ON_GPU, ids=lambda kind: kind.kind)
def test_the_gpu_answers_like_the_cpu_from_many_threads(kind: IndexKind) -> None:
    check_gpu()
    vectors_ND, query_BD = clustered(2_000), clustered(64, seed=3)
    index = kind.build(Corpus(vectors_ND), 0)
    cpu, gpu = place(index, kind, "cpu"), place(index, kind, "cuda")
    scores_BK, rows_BK = cpu.search(query_BD, 10, kind.parameters({}))
    with ThreadPoolExecutor(max_workers=8) as pool:
        parts = [pool.submit(gpu.search, query_BD[b : b + 8], 10, kind.parameters({})) for b in range(0, 64, 8)]
    found = np.concatenate([part.result()[1] for part in parts])
    np.testing.assert_allclose(np.concatenate([p.result()[0] for p in parts]), scores_BK, rtol=0, atol=1e-4)
    assert (found == rows_BK).mean() > 0.99
    gpu.close()
    with pytest.raises(VersionClosed):
        gpu.search(query_BD, 10, None)


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("kind", ON_GPU, ids=lambda kind: kind.kind)
def test_shards_answer_like_the_whole_index(kind: IndexKind) -> None:
    vectors_ND, query_BD = clustered(2_000), clustered(64, seed=3)
    index = kind.build(Corpus(vectors_ND), 0)
    shards = place(index, kind, "cuda-shards")
    scores_BK, rows_BK = place(index, kind, "cpu").search(query_BD, 10, kind.parameters({}))
    found_BK, found_rows_BK = shards.search(query_BD, 10, kind.parameters({}))
    np.testing.assert_allclose(found_BK, scores_BK, rtol=0, atol=1e-4)
    assert (found_rows_BK == rows_BK).mean() > 0.99
    shards.close()


@pytest.mark.gpu
@needs_gpu
def test_a_k_beyond_the_gpu_limit_is_refused() -> None:
    placed = place(FlatKind().build(Corpus(clustered(10)), 0), FlatKind(), "cuda")
    with pytest.raises(InvalidSearchParams, match="2048"):
        placed.search(clustered(1), GPU_LARGEST_K + 1, None)
    placed.close()
