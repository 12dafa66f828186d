import numpy as np
import pytest
from numpy.typing import NDArray

from index.errors import InvalidSearchParams
from index.kinds import IndexKind
from index.kinds.coded_lists import MOST_REFINE
from index.kinds.ivf_pq import IvfPqKind
from index.kinds.ivf_rabitq import IvfRabitqKind
from index.kinds.ivf_sq8 import IvfSq8Kind
from tests.contracts.index_kind import clustered, exact, searcher

CODED: list[IndexKind] = [
    IvfSq8Kind(nlist=20),
    IvfPqKind(nlist=20),
    IvfRabitqKind(nlist=20),
    IvfRabitqKind(nlist=20, bits=4),
]
IDS = ["ivf_sq8", "ivf_pq", "ivf_rabitq-1", "ivf_rabitq-4"]


def found_of(found_BK: NDArray[np.int64], truth_BK: NDArray[np.int64]) -> float:
    pairs = zip(found_BK.tolist(), truth_BK.tolist(), strict=True)
    return float(np.mean([len(set(found) & set(best)) / len(best) for found, best in pairs]))


@pytest.mark.parametrize("kind", CODED, ids=IDS)
def test_all_lists_and_enough_candidates_find_the_exact_hits(kind: IndexKind) -> None:
    vectors_ND, query_BD = clustered(1_000), clustered(40, seed=5)
    rows = searcher(kind, vectors_ND)
    truth = exact(query_BD, vectors_ND, 5)
    assert found_of(rows.search(query_BD, 5, {"nprobe": 20, "refine": 60})[1], truth) > 0.99


@pytest.mark.parametrize("kind", [CODED[1], CODED[2]], ids=[IDS[1], IDS[2]])
def test_more_candidates_find_more_where_codes_are_coarse(kind: IndexKind) -> None:
    vectors_ND, query_BD = clustered(2_000), clustered(60, seed=6)
    rows, truth = searcher(kind, vectors_ND), exact(query_BD, vectors_ND, 5)
    by_refine = [
        found_of(rows.search(query_BD, 5, {"nprobe": 20, "refine": refine})[1], truth) for refine in (1, 4, 16)
    ]
    assert by_refine == sorted(by_refine)
    assert by_refine[0] < by_refine[-1]


@pytest.mark.parametrize("kind", CODED, ids=IDS)
def test_lists_that_hold_fewer_than_the_candidates_asked_for_still_answer(kind: IndexKind) -> None:
    vectors_ND, query_BD = clustered(500), clustered(9, seed=8)
    rows = searcher(kind, vectors_ND)
    found = rows.search(query_BD, 3, {"nprobe": 1, "refine": 60})[1]
    assert (found >= 0).all() and all(len(set(rows_K)) == 3 for rows_K in found.tolist())
    deep = rows.search(query_BD, 400, {"nprobe": 1, "refine": 60})[1]
    np.testing.assert_array_equal(np.sort(deep), np.sort(exact(query_BD, vectors_ND, 400)))


def test_a_request_overrides_refine_up_to_a_bound() -> None:
    kind = IvfSq8Kind(refine=7)
    assert [kind.candidates_per_hit(params) for params in ({}, {"refine": 3}, {"nprobe": 3})] == [7, 3, 7]
    with pytest.raises(InvalidSearchParams, match=f"'refine' is {MOST_REFINE + 1}.*1 to {MOST_REFINE}"):
        kind.parameters({"refine": MOST_REFINE + 1})


def test_a_step_widens_either_the_lists_or_the_candidates() -> None:
    kind = IvfSq8Kind(nlist=24, nprobe=16, refine=40)
    assert [wider.setting() for wider in kind.wider()] == [{"nprobe": 24, "refine": 40}, {"nprobe": 16, "refine": 64}]
    assert IvfSq8Kind(nlist=8, nprobe=8, refine=64).wider() == []


def test_every_pair_of_measured_values_is_a_variant() -> None:
    settings = [variant.setting() for variant in IvfSq8Kind(nlist=4, nprobe=2, refine=4).variants()]
    assert settings == [{"nprobe": nprobe, "refine": refine} for nprobe in (1, 2, 4) for refine in (1, 4, 16)]
