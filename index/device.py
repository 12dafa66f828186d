"""Where an opened index lies: in the memory of this process, or on GPUs that each one thread owns.

A placed index can be searched and closed and nothing else. Adding to a mapped faiss index aborts the whole process,
so no object with an `add` leaves this file. B queries, K hits, D embedding.
"""

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Literal, Protocol, TypeVar, get_args

import faiss
import numpy as np
from numpy.typing import NDArray

from index.errors import DeviceUnavailable, InvalidSearchParams, VersionClosed
from index.kinds import IndexKind
from index.threads import use_one_thread

DeviceName = Literal["cpu", "cuda", "cuda-shards"]
GPU_LARGEST_K = 2_048
GPU_LARGEST_NPROBE = 2_048
# Scratch memory of all searches on a device; faiss would take 1.5 GB, and asks for more than this where it must.
GPU_SCRATCH_BYTES = 512 * 1024**2
_GPU_KINDS = [kind.model_fields["kind"].default for kind in get_args(get_args(IndexKind)[0]) if kind.runs_on_gpu]
Found = tuple[NDArray[np.float32], NDArray[np.int64]]
ResultT = TypeVar("ResultT")


class PlacedIndex(Protocol):
    """A faiss index that can only be searched."""

    @property
    def largest_k(self) -> int:
        """The most rows that one query can ask for."""

    def search(self, query_BD: NDArray[np.float32], k: int, params: faiss.SearchParameters | None) -> Found:
        """Scores and rows, both [B, K], best first; row -1 pads. Safe to call from many threads."""

    def close(self) -> None:
        """Free the index; a later search raises VersionClosed, one under way ends well."""


def place(index: faiss.Index, kind: IndexKind, device: DeviceName) -> PlacedIndex:
    """Put a CPU index where `device` says; raises DeviceUnavailable rather than stay on the CPU.

    "cuda" means every GPU that the process sees, with a whole copy on each, for more searches at once; "cuda-shards"
    means a part on each, for indexes that fit none alone. CUDA_VISIBLE_DEVICES chooses them.
    """
    if device == "cpu":
        return CpuIndex(index)
    if not kind.runs_on_gpu:
        raise DeviceUnavailable(
            f"an index of kind {kind.kind} cannot be moved to a GPU; build the collection with kind "
            f'{", ".join(_GPU_KINDS[:-1])} or {_GPU_KINDS[-1]}, or serve it with device = "cpu"',
            device=device,
            kind=kind.kind,
        )
    check_gpu()
    if device == "cuda-shards":
        return GpuShards(index, [gpu_owner(ordinal) for ordinal in range(faiss.get_num_gpus())])
    with ExitStack() as opened:  # when the second copy does not fit its device, the first must not stay
        copies = []
        for ordinal in range(faiss.get_num_gpus()):
            copies.append(GpuIndex(index, gpu_owner(ordinal)))
            opened.callback(copies[-1].close)
        opened.pop_all()
    return copies[0] if len(copies) == 1 else Replicas(copies)


def check_gpu() -> None:
    """Raise DeviceUnavailable, saying why, unless faiss can use a GPU here."""
    advice = 'install the extra "gpu" on a machine with an NVIDIA GPU, or set device = "cpu"'
    if not hasattr(faiss, "StandardGpuResources"):
        raise DeviceUnavailable(
            f'device "cuda" was asked for, but the installed faiss {faiss.__version__} is a build without GPU '
            f"support; {advice}",
            device="cuda",
        )
    if faiss.get_num_gpus() < 1:
        raise DeviceUnavailable(
            f'device "cuda" was asked for, but faiss {faiss.__version__} sees no GPU (get_num_gpus() is 0): the driver '
            f"is missing or CUDA_VISIBLE_DEVICES hides the device; {advice}",
            device="cuda",
        )


class CpuIndex:
    """An index in the memory of this process, or mapped into it; each calling thread searches by itself."""

    largest_k = sys.maxsize

    def __init__(self, index: faiss.Index) -> None:
        self._index: faiss.Index | None = index

    def list_of_each_row(self, n_rows: int) -> NDArray[np.int32]:
        """The number of the inverted list that holds each row, [N], of an index with lists; raises VersionClosed."""
        if self._index is None:
            raise _closed()
        lists = faiss.extract_index_ivf(self._index).invlists
        list_N = np.empty(n_rows, dtype=np.int32)
        for number in range(lists.nlist):
            size = lists.list_size(number)
            if size:
                list_N[faiss.rev_swig_ptr(lists.get_ids(number), size)] = number
        return list_N

    def search(self, query_BD: NDArray[np.float32], k: int, params: faiss.SearchParameters | None) -> Found:
        """Scores and rows, both [B, K], best first; row -1 pads."""
        index = self._index
        if index is None:
            raise _closed()
        use_one_thread()
        scores_BK, rows_BK = index.search(query_BD, k, params=params)
        return scores_BK, rows_BK

    def close(self) -> None:
        """Let go of the index; searches under way keep it until they end."""
        self._index = None


class GpuOwner:
    """The one thread that may touch a GPU: faiss's GPU resources allow one user at a time, also for searches.

    All index versions on a device share it, because every resources object reserves scratch memory of its own.
    """

    def __init__(self, ordinal: int) -> None:
        """Start the thread and reserve the resources in it; raises DeviceUnavailable."""
        check_gpu()
        self.ordinal = ordinal
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"faiss-gpu-{ordinal}")
        self.resources = self.run(_resources)

    def run(self, work: Callable[[], ResultT]) -> ResultT:
        """Do `work` in the owning thread and return its result or raise its error here."""
        return self._thread.submit(work).result()


def _resources() -> "faiss.StandardGpuResources":  # not in a faiss without GPU support
    resources = faiss.StandardGpuResources()
    resources.setTempMemory(GPU_SCRATCH_BYTES)
    return resources


@cache
def _owners() -> tuple[threading.Lock, dict[int, GpuOwner]]:
    return threading.Lock(), {}


def gpu_owner(ordinal: int) -> GpuOwner:
    """The owner of GPU number `ordinal`, started at the first call; raises DeviceUnavailable."""
    lock, owners = _owners()
    with lock:
        if ordinal not in owners:
            owners[ordinal] = GpuOwner(ordinal)
        return owners[ordinal]


class GpuIndex:
    """An index on a GPU; searches queue for the owning thread."""

    largest_k = GPU_LARGEST_K

    def __init__(self, index: faiss.Index, owner: GpuOwner) -> None:
        """Copy `index` to the device once; the CPU copy is not kept."""
        self._owner = owner
        # Only the owning thread may build, use or free the clone, so it lives in a box that only that thread opens.
        self._box: list[faiss.Index] = []
        try:
            owner.run(lambda: self._box.append(self._clone(index)))
        except RuntimeError as error:
            raise DeviceUnavailable(
                f"the index does not go to GPU {owner.ordinal}: {error}; use a smaller index or a GPU with more memory",
                device="cuda",
            ) from error

    def search(self, query_BD: NDArray[np.float32], k: int, params: faiss.SearchParameters | None) -> Found:
        """Scores and rows, both [B, K], best first; row -1 pads. Raises InvalidSearchParams above the GPU's limits."""
        if k > GPU_LARGEST_K or getattr(params, "nprobe", 0) > GPU_LARGEST_NPROBE:
            raise InvalidSearchParams(
                f"on a GPU k is at most {GPU_LARGEST_K} and nprobe at most {GPU_LARGEST_NPROBE}; lower it",
                largest_k=GPU_LARGEST_K,
                largest_nprobe=GPU_LARGEST_NPROBE,
            )
        return self._owner.run(lambda: self._search(query_BD, k, params))

    def close(self) -> None:
        """Free the device memory in the owning thread."""
        self._owner.run(self._box.clear)

    def _clone(self, index: faiss.Index) -> faiss.Index:
        options = faiss.GpuClonerOptions()
        options.useFloat16 = False
        return faiss.index_cpu_to_gpu(self._owner.resources, self._owner.ordinal, index, options)

    def _search(self, query_BD: NDArray[np.float32], k: int, params: faiss.SearchParameters | None) -> Found:
        if not self._box:
            raise _closed()
        scores_BK, rows_BK = self._box[0].search(query_BD, k, params=params)
        return scores_BK, rows_BK


class GpuShards(GpuIndex):
    """An index cut into parts, one a GPU; every search asks all of them and joins what they find.

    One thread owns all the devices, so a process holds shards or replicas and never both. faiss asks the parts side by
    side, each with the resources of its own device.
    """

    def __init__(self, index: faiss.Index, owners: Sequence[GpuOwner]) -> None:
        """Copy the parts of `index` to the devices once; the CPU copy is not kept. Raises DeviceUnavailable."""
        self._owners = owners
        super().__init__(index, owners[0])

    def _clone(self, index: faiss.Index) -> faiss.Index:
        options = faiss.GpuMultipleClonerOptions()
        options.useFloat16 = False
        options.shard = True
        resources = [owner.resources for owner in self._owners]
        ordinals = [owner.ordinal for owner in self._owners]
        return faiss.index_cpu_to_gpu_multiple_py(resources, index, options, ordinals)


class Replicas:
    """Equal indexes on several devices; a search goes to the one with the fewest under way."""

    def __init__(self, members: Sequence[PlacedIndex]) -> None:
        self._members = members
        self._under_way = [0] * len(members)
        self._lock = threading.Lock()

    @property
    def largest_k(self) -> int:
        """The most rows that one query can ask for."""
        return min(member.largest_k for member in self._members)

    def search(self, query_BD: NDArray[np.float32], k: int, params: faiss.SearchParameters | None) -> Found:
        """Scores and rows, both [B, K], best first; row -1 pads. Raises what the member raises."""
        with self._idlest() as member:
            return member.search(query_BD, k, params)

    def close(self) -> None:
        """Free every copy; a later search raises VersionClosed, one under way ends well."""
        for member in self._members:
            member.close()

    @contextmanager
    def _idlest(self) -> Iterator[PlacedIndex]:
        with self._lock:
            place = min(range(len(self._members)), key=self._under_way.__getitem__)
            self._under_way[place] += 1
        try:
            yield self._members[place]
        finally:
            with self._lock:
                self._under_way[place] -= 1


def _closed() -> VersionClosed:
    return VersionClosed("this index version was closed; search the active one")
