from dataclasses import replace

import pytest

from bundle.features import CategoryFeature, SequenceFeature
from bundle.featurize import Featurizer
from bundle.vocabulary import Vocabulary
from tests.training.small_data import ints, small_dataset
from training.errors import BadData
from training.evaluation_set import evaluation_queries

ITEMS = Vocabulary([f"i{row}" for row in range(4)])
HISTORY = Featurizer((SequenceFeature(name="history", max_length=2),), {"item_id": ITEMS}, {})
IDENTITY = Featurizer((CategoryFeature(name="query_id"),), {"query_id": Vocabulary(["q0", "q1", "q2"])}, {})
# Query 0: items 1, 0, 1, then 2 and 1 held out. Query 1: nothing before, item 3 twice. Query 2: never held out.
PAIRS = [(0, 0), (0, 1), (0, 1), (2, 0), (0, 2), (1, 3), (0, 1), (1, 3)]
DATASET = small_dataset(PAIRS, seconds=[2, 1, 3, 1, 9, 9, 9, 9])
BEFORE, HELD_OUT = ints(0, 1, 2, 3), ints(4, 5, 6, 7)


def test_history_and_relevant_items_of_each_held_out_query() -> None:
    queries = evaluation_queries(DATASET, BEFORE, HELD_OUT, HISTORY, history_feature="history")
    assert queries.query_rows_Q.tolist() == [0, 1]
    assert [queries.relevant.row(n).tolist() for n in range(2)] == [[1, 2], [3]]
    assert [queries.history.row(n).tolist() for n in range(2)] == [[1, 0, 1], []]
    assert [queries.seen.row(n).tolist() for n in range(2)] == [[0, 1], []]
    assert queries.encoded.batch()["history"].tolist() == [[3, 2], [0, 0]]


def test_queries_without_history_can_be_left_out() -> None:
    queries = evaluation_queries(DATASET, BEFORE, HELD_OUT, IDENTITY, require_history=True)
    assert queries.query_rows_Q.tolist() == [0]
    assert queries.encoded.batch()["query_id"].tolist() == [2]


def test_no_query_at_all_is_an_error() -> None:
    with pytest.raises(BadData, match="history required: True"):
        evaluation_queries(DATASET, BEFORE, ints(5, 7), IDENTITY, require_history=True)


def test_where_queries_are_items_the_query_itself_is_barred() -> None:
    of_items = replace(DATASET, queries_are="items")
    assert evaluation_queries(DATASET, BEFORE, HELD_OUT, IDENTITY).barred is None
    barred = evaluation_queries(of_items, BEFORE, HELD_OUT, IDENTITY).barred
    assert barred is not None
    assert [barred.row(n).tolist() for n in range(2)] == [[0], [1]]
