"""Pairs of a basket: how they are counted, and which say too little."""

import numpy as np
import pytest

from tests.training.item_pairs.shop import basket_dataset, counts_of
from tests.training.small_data import ints
from training.errors import BadData
from training.interactions import Interactions
from training.item_pairs.baskets import Baskets, count_pairs, pmi
from training.item_pairs.pairs import ItemPairs

BY = ("query_id", "timestamp")


def interactions(baskets: list[list[int]], n_items: int = 6) -> Interactions:
    return basket_dataset(baskets, n_items).interactions


def all_rows(given: Interactions) -> np.ndarray:
    return np.arange(len(given), dtype=np.int64)


def counted(baskets: list[list[int]], min_count: int = 1, min_pmi: float | None = None) -> dict[tuple[int, int], int]:
    given = interactions(baskets)
    return counts_of(count_pairs(Baskets.of(given, all_rows(given), BY), 6, min_count, min_pmi).pairs)


def test_every_two_items_of_a_basket_are_a_pair_both_ways_and_no_item_with_itself() -> None:
    assert counted([[0, 1, 2]]) == {(a, b): 1 for a in range(3) for b in range(3) if a != b}


def test_a_pair_counts_the_baskets_that_hold_it_not_the_rows() -> None:
    assert counted([[0, 1, 1], [1, 0], [2, 3]]) == {(0, 1): 2, (1, 0): 2, (2, 3): 1, (3, 2): 1}


def test_two_purchases_are_one_basket_only_with_equal_values_in_every_column() -> None:
    given = basket_dataset([[0], [1], [2]], 3, hours=[5, 5, 5]).interactions  # of the queries 0, 1, 0 in one hour
    pairs = count_pairs(Baskets.of(given, all_rows(given), BY), 3, 1, None).pairs
    assert (pairs.item_P.tolist(), pairs.other_P.tolist()) == ([0, 2], [2, 0])
    assert len(Baskets.of(given, all_rows(given), ("timestamp",))) == 1


def test_pairs_counted_from_many_columns_at_a_time_are_those_of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    baskets = [[0, 1, 5], [1, 5, 4], [0, 5]]
    whole = counted(baskets)
    monkeypatch.setattr("training.item_pairs.baskets._COLUMNS", 2)
    assert counted(baskets) == whole


@pytest.mark.parametrize(
    ("together", "of_a", "of_b", "expected"), [(10, 50, 40, np.log(5)), (10, 200, 100, np.log(0.5))]
)
def test_mutual_information_by_hand(together: int, of_a: int, of_b: int, expected: float) -> None:
    pairs = ItemPairs(ints(0), ints(1), ints(together))
    np.testing.assert_allclose(pmi(pairs, ints(of_a, of_b), 1000), [expected], rtol=1e-6)


def test_rare_and_unlikely_pairs_are_left_out_and_counted() -> None:
    # 0 and 1 stand in almost every basket, so meeting twice is less than chance would have it; 2 and 3 only together.
    given = interactions([[0, 1], [0, 1], [0], [0], [1], [1], [2, 3], [2, 3], [4, 5]])
    found = count_pairs(Baskets.of(given, all_rows(given), BY), 6, 2, 0.5)
    assert (found.pairs.item_P.tolist(), found.pairs.other_P.tolist()) == ([2, 3], [3, 2])
    assert (found.dropped_rare, found.dropped_pmi) == (2, 2)
    assert found.baskets_N.tolist() == [4, 4, 2, 2, 1, 1]


def test_large_baskets_and_queries_of_many_items_are_left_out() -> None:
    given = interactions([[0, 1], [2], [0, 1, 2, 3], [4], [0]])  # query 0: baskets 0, 2, 4; query 1: 1, 3
    baskets = Baskets.of(given, all_rows(given), BY)
    limits = baskets.limits(0.75)
    assert (limits.basket, limits.query) == (2.0, 3.5)
    assert baskets.within(limits).item_R.tolist() == [2, 4]
    assert len(baskets.within(baskets.limits(1.0))) == 5


def test_a_basket_column_must_be_there() -> None:
    given = interactions([[0, 1]])
    with pytest.raises(BadData, match="names the column 'invoice', but the interactions have: query_id, item_id"):
        Baskets.of(given, all_rows(given), ("invoice",))
