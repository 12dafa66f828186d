import math

import pytest

from bundle.progress import NoProgress
from tests.training.small_data import ints
from tests.training.synthetic_queries.world import TEXTS
from training.synthetic_queries.round_trip import round_trip


def test_an_item_is_found_by_its_own_words() -> None:
    found = round_trip(
        ["frying pan", "pan for frying", "???", "zebra", "garden"], ints(1, 5, 0, 0, 2), TEXTS, NoProgress()
    )
    assert found.rank_S.tolist()[0] == 1
    assert found.rank_S.tolist()[1] > 1
    assert found.rank_S.tolist()[2:] == [6, 6, 1]
    assert found.score_S.tolist()[2:4] == [0, 0]


def test_the_score_is_bm25() -> None:
    """Lucene's form: idf = ln(1 + (N - df + .5) / (df + .5)), tf / (tf + k1 (1 - b + b |d| / avg))."""
    texts = ["lamp red lamp", "pan", "chair of wood teak"]
    found = round_trip(["lamp"], ints(0), texts, NoProgress())
    idf, average = math.log(1 + (3 - 1 + 0.5) / 1.5), 8 / 3
    assert found.score_S[0] == pytest.approx(idf * 2 / (2 + 1.5 * (1 - 0.75 + 0.75 * 3 / average)), rel=1e-5)


def test_ties_are_in_favour_of_the_item() -> None:
    found = round_trip(["red lamp"] * 2, ints(0, 2), ["red lamp", "pan", "red lamp"], NoProgress())
    assert found.rank_S.tolist() == [1, 1]
