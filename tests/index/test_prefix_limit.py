from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.prefix_limit import PrefixLimit, Supply, pick

RANKING = np.array([7, 7, 7, 2, 7, 2, 9], dtype=np.uint64)


def keys(values: list[int]) -> Any:
    return np.array(values, dtype=np.uint64)


@pytest.mark.parametrize(
    ("limit", "k", "places"),
    [
        (PrefixLimit(1, 2), 4, [0, 1, 3, 5]),
        (PrefixLimit(1, 2), 9, [0, 1, 3, 5, 6]),
        (PrefixLimit(1, 1), 2, [0, 3]),
        (PrefixLimit(1, 9), 3, [0, 1, 2]),
        (PrefixLimit(1, 2, grouped=True), 2, [0, 1, 3, 5]),
        (PrefixLimit(1, 3, grouped=True), 3, [0, 1, 2, 3, 5, 6]),
        (PrefixLimit(1, 3, grouped=True), 1, [0, 1, 2]),
    ],
)
def test_worked_examples(limit: PrefixLimit, k: int, places: list[int]) -> None:
    assert pick(RANKING, k, limit).tolist() == places


def test_groups_follow_their_best_hit_and_not_their_key() -> None:
    assert pick(keys([9, 1, 9, 5, 1]), 2, PrefixLimit(1, 2, grouped=True)).tolist() == [0, 2, 1, 4]


def test_no_candidates_give_no_hits() -> None:
    for grouped in (False, True):
        assert pick(keys([]), 3, PrefixLimit(1, 2, grouped)).tolist() == []


@given(st.lists(st.integers(0, 6), max_size=40), st.integers(1, 12), st.integers(1, 5), st.booleans())
def test_the_choice_is_the_greedy_one(ranking: list[int], k: int, most: int, grouped: bool) -> None:
    expected: list[int] = []
    if grouped:
        for prefix in list(dict.fromkeys(ranking))[:k]:
            expected += [place for place, key in enumerate(ranking) if key == prefix][:most]
    else:
        taken: Counter[int] = Counter()
        for place, key in enumerate(ranking):
            if taken[key] < most and len(expected) < k:
                taken[key] += 1
                expected.append(place)
    assert pick(keys(ranking), k, PrefixLimit(1, most, grouped)).tolist() == expected


def test_what_a_corpus_can_give() -> None:
    ungrouped = Supply(keys([2, 5, 8]), np.array([1, 4, 2]), PrefixLimit(1, 2))
    assert ungrouped.most_k(None) == 1 + 2 + 2
    assert ungrouped.most_k(np.uint64(2)) == 0 + 2 + 2
    assert ungrouped.most_k(np.uint64(5)) == 1 + 2 + 2
    grouped = Supply(keys([2, 5, 8]), np.array([1, 4, 2]), PrefixLimit(1, 2, grouped=True))
    assert grouped.most_k(None) == grouped.most_k(np.uint64(5)) == 3
    assert grouped.most_k(np.uint64(2)) == 2
    assert grouped.hits_below(keys([5, 2]), None) == 2 + 1
    assert grouped.hits_below(keys([8, 5]), np.uint64(8)) == 1 + 2
