from collections.abc import Sequence

import numpy as np

from bundle.progress import NoProgress
from tests.training.synthetic_queries.world import pair, small_texts, small_world
from training.synthetic_queries.filters import FilterConfig, Filtered, apply_filters
from training.synthetic_queries.pairs import Pair, normalise
from training.synthetic_queries.similarity import Encode, char_grams


def _filter(pairs: Sequence[Pair], encode: Encode = char_grams, **settings: object) -> Filtered:
    dataset, split = small_world()
    config = FilterConfig.model_validate(settings)
    return apply_filters(config, pairs, small_texts(), dataset, split, "text", NoProgress(), encode)


MANY = [
    pair(0, "bright red lamp"),
    pair(0, "Bright red lamp!"),  # equal
    pair(0, "bright red lamps"),  # near
    pair(1, "bright red lamp"),  # another item; its round trip fails
    pair(0, "lamp for my desk"),  # a real training pair
    pair(2, "loud bike bell"),  # the test query
    pair(5, "loud bike bells"),  # nearly the test pair
    pair(3, "paper bags", score=0.1),  # a low score
    pair(3, "brown paper"),
]


def test_each_filter_drops_and_counts_its_own() -> None:
    kept = _filter(MANY, near_duplicate_cosine=0.7, min_score=0.5, round_trip_k=1)
    assert [(p.item_id, p.query_text) for p in kept.pairs] == [("i0", "bright red lamp"), ("i3", "brown paper")]
    assert kept.dropped == {
        "leak_text": 1,
        "leak_pair": 1,
        "duplicate": 2,
        "near_duplicate": 1,
        "low_score": 1,
        "round_trip": 1,
    }
    assert all(p.score is not None and p.score > 0 for p in kept.pairs)  # the round trip's


def test_filters_can_be_turned_off_but_not_the_leak_test() -> None:
    kept = _filter(MANY, near_duplicate_cosine=1, round_trip_k=0)
    assert kept.dropped == {"leak_text": 1, "leak_pair": 0, "duplicate": 2, "near_duplicate": 0, "low_score": 0}
    assert [p.score for p in kept.pairs if p.query_text == "paper bags"] == [0.1]


def test_a_text_that_items_share_is_a_duplicate_of_the_catalogue_only() -> None:
    shared = [pair(0, "winter"), pair(4, "Winter")]
    assert len(_filter(shared, round_trip_k=0).pairs) == 2
    assert len(_filter(shared, round_trip_k=0, duplicates_of="catalogue").pairs) == 1


def test_another_encoder_decides_what_is_near() -> None:
    def by_first_letter(texts: Sequence[str]) -> np.ndarray:
        return np.eye(128, dtype=np.float32)[[ord(text[0]) for text in texts]]

    pairs = [pair(0, "bulb"), pair(0, "bright"), pair(0, "red")]
    assert [p.query_text for p in _filter(pairs, by_first_letter, round_trip_k=0).pairs] == ["bulb", "red"]
    assert len(_filter(pairs, round_trip_k=0).pairs) == 3


def test_filtering_the_filtered_changes_nothing_and_repeats_become_fewer() -> None:
    pairs = MANY * 3
    once = _filter(pairs, round_trip_k=0).pairs
    assert _filter(once, round_trip_k=0).pairs == once

    def repeated(of: Sequence[Pair]) -> float:
        return 1 - len({(p.item_id, normalise(p.query_text)) for p in of}) / len(of)

    assert repeated(pairs) > 0.6 and repeated(once) == 0
    assert _filter([]).pairs == []
