import threading
from concurrent.futures import ThreadPoolExecutor

import faiss
import numpy as np
import pytest
from numpy.typing import NDArray

from index.corpus import Corpus
from index.device import CpuIndex, Found, Replicas
from index.errors import InvalidSearchParams, VersionClosed
from index.kinds.flat import FlatKind
from tests.contracts.index_kind import clustered, exact

VECTORS_ND = clustered(200)


class SlowIndex(CpuIndex):
    """An index that counts its searches and holds each until it is let go."""

    def __init__(self, largest_k: int) -> None:
        super().__init__(FlatKind().build(Corpus(VECTORS_ND), 0))
        self.largest_k = largest_k
        self.searches = 0
        self.entered = threading.Semaphore(0)
        self.go = threading.Event()

    def search(self, query_BD: NDArray[np.float32], k: int, params: faiss.SearchParameters | None) -> Found:
        self.searches += 1
        self.entered.release()
        if k > self.largest_k:
            raise InvalidSearchParams("too deep")
        assert self.go.wait(10)
        return super().search(query_BD, k, params)


def test_searches_go_to_the_replica_with_the_fewest_under_way_and_answer_alike() -> None:
    members = [SlowIndex(50), SlowIndex(20)]
    replicas = Replicas(members)
    query_BD = clustered(4, seed=2)
    with ThreadPoolExecutor(max_workers=4) as pool:
        parts = []
        for query_D in query_BD:
            parts.append(pool.submit(replicas.search, query_D[None], 5, None))
            member = members[(len(parts) - 1) % 2]
            assert member.entered.acquire(timeout=10)
        assert [member.searches for member in members] == [2, 2]
        for member in members:
            member.go.set()
    found = np.concatenate([part.result()[1] for part in parts])
    np.testing.assert_array_equal(found, exact(query_BD, VECTORS_ND, 5))


def test_a_failed_search_is_no_longer_under_way() -> None:
    members = [SlowIndex(50), SlowIndex(20)]
    replicas = Replicas(members)
    for member in members:
        member.go.set()
    assert replicas.largest_k == 20
    for _ in range(3):
        with pytest.raises(InvalidSearchParams):
            replicas.search(clustered(1), 60, None)
    assert members[0].searches == 3  # each time both are idle, and the first is taken


def test_closing_closes_every_copy() -> None:
    members = [SlowIndex(50), SlowIndex(20)]
    Replicas(members).close()
    for member in members:
        member.go.set()
        with pytest.raises(VersionClosed):
            member.search(clustered(1), 1, None)
