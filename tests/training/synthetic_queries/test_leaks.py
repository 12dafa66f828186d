import pytest

from bundle.errors import ConfigError
from tests.training.small_data import ints, small_dataset
from tests.training.synthetic_queries.world import pair, small_world
from training.synthetic_queries.leaks import find_leaks, query_texts


def test_a_held_out_text_leaks_wherever_it_stands() -> None:
    dataset, split = small_world()
    pairs = [
        pair(0, "lamp for my desk"),  # a training query: no leak
        pair(0, "Loud  bike bell?"),  # the test query, attached to another item
        pair(4, "WARM SCARF"),  # the validation query with its own item
        pair(1, "warm"),
    ]
    leaks = find_leaks(pairs, ints(0, 0, 4, 1), dataset, split, "text", 0.95)
    assert leaks.text_S.tolist() == [False, True, True, False]
    assert not leaks.pair_S.any()


def test_a_held_out_pair_in_nearly_its_words_leaks_but_not_for_another_item() -> None:
    dataset, split = small_world()
    pairs = [pair(5, "loud bike bells"), pair(0, "loud bike bells"), pair(5, "brass ringer")]
    leaks = find_leaks(pairs, ints(5, 0, 5), dataset, split, "text", 0.7)
    assert leaks.pair_S.tolist() == [True, False, False]
    assert not find_leaks(pairs, ints(5, 0, 5), dataset, split, "text", 0.999).pair_S.any()


def test_no_pairs_have_no_leaks() -> None:
    dataset, split = small_world()
    assert len(find_leaks([], ints(), dataset, split, "text", 0.95).text_S) == 0


def test_queries_without_the_text_are_refused() -> None:
    with pytest.raises(ConfigError, match="gives queries only: query_id; add the column"):
        query_texts(small_dataset([(0, 0)]), "text")
    with pytest.raises(ConfigError, match="'title'.*query_id, text"):
        query_texts(small_world()[0], "title")
    dataset = small_dataset([(0, 0), (1, 0)], query_columns={"text": ["a", None]})
    assert query_texts(dataset, "text") == ["a", ""]
