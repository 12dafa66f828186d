import numpy as np
import pytest

from index.allowed_rows import AllowedRows
from index.corpus import Corpus
from index.device import CpuIndex
from index.errors import VersionClosed
from index.filtered_lists import FilteredLists
from index.kinds.ivf_flat import IvfFlatKind
from tests.contracts.index_kind import N_ITEMS, clustered

KIND = IvfFlatKind(nlist=20)


def placed() -> CpuIndex:
    return CpuIndex(KIND.build(Corpus(clustered(N_ITEMS)), 0))


def test_every_row_is_in_the_list_that_is_searched_for_it() -> None:
    index = KIND.build(Corpus(clustered(N_ITEMS)), 0)
    expected = index.quantizer.search(clustered(N_ITEMS), 1)[1][:, 0]
    np.testing.assert_array_equal(CpuIndex(index).list_of_each_row(N_ITEMS), expected)


def test_the_lists_of_allowed_rows_are_those_that_hold_one() -> None:
    index = placed()
    list_N = index.list_of_each_row(N_ITEMS)
    chosen = AllowedRows.of_mask(np.isin(list_N, [3, 5]) & (np.arange(N_ITEMS) % 2 == 0))
    holding = FilteredLists(index, N_ITEMS).holding(chosen)
    assert np.flatnonzero(np.unpackbits(holding.bits, bitorder="little")).tolist() == [3, 5]
    assert (holding.coverage.n_lists, holding.coverage.n_all_lists) == (2, 20)
    assert holding.coverage.n_rows == np.isin(list_N, [3, 5]).sum()
    assert holding.coverage.local_share == pytest.approx(0.5, abs=0.05)


def test_the_local_share_of_rows_at_random_is_that_of_the_corpus() -> None:
    mask_N = np.random.default_rng(0).random(N_ITEMS) < 0.1
    coverage = FilteredLists(placed(), N_ITEMS).holding(AllowedRows.of_mask(mask_N)).coverage
    assert coverage.local_share == pytest.approx(mask_N.mean(), rel=0.2)


def test_what_holds_a_set_of_rows_is_found_once_and_forgotten_with_it() -> None:
    lists, allowed = FilteredLists(placed(), N_ITEMS), AllowedRows.of_mask(np.arange(N_ITEMS) < 9)
    assert lists.holding(allowed) is lists.holding(allowed)
    assert len(lists._holding) == 1
    del allowed
    assert len(lists._holding) == 0


def test_a_closed_index_says_so() -> None:
    index = placed()
    index.close()
    with pytest.raises(VersionClosed):
        FilteredLists(index, N_ITEMS).holding(AllowedRows.of_mask(np.ones(N_ITEMS, dtype=bool)))
