"""The items of a version as a reranker reads them."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from bundle.errors import ConfigError, InvalidRecord
from index.attributes import AttributeColumns
from index.errors import RerankerFailed
from index.reranked import ItemReranker
from tests.index.second_stages.timed import FailingReranker, over
from tests.index.worded import TableReranker, table_items

SCORES_BN = np.random.default_rng(0).standard_normal((3, 10))
QUERY = {"text": "1"}


def test_rows_are_read_with_the_query() -> None:
    items, _ = table_items(SCORES_BN)
    rows = np.array([7, 2, 2])
    np.testing.assert_array_equal(items.score(QUERY, rows), SCORES_BN[1, rows].astype(np.float32))
    np.testing.assert_array_equal(items.score_records(QUERY, [{"title": "4"}]), SCORES_BN[1, [4]].astype(np.float32))
    pairs = items.pairs(QUERY, rows)
    np.testing.assert_array_equal(pairs.score(np.array([1, 0])), SCORES_BN[1, [2, 7]].astype(np.float32))


@pytest.mark.parametrize(
    ("error", "reason"), [(None, "not_a_number"), (KeyError("x"), "failed"), (MemoryError(), "failed")]
)
def test_what_is_not_a_score_is_a_failure(error: Exception | None, reason: str) -> None:
    items = over(FailingReranker(SCORES_BN, 5, error), 10)
    calls: list[Callable[[], object]] = [
        lambda: items.score(QUERY, np.array([4, 5])),
        lambda: items.score_records(QUERY, [{"title": "5"}]),
        lambda: items.pairs(QUERY, np.array([4, 5])).score(np.array([1])),
    ]
    for call in calls:
        with pytest.raises(RerankerFailed) as caught:
            call()
        assert caught.value.context["reason"] == reason
        assert caught.value.__cause__ is error
    assert np.isfinite(items.score(QUERY, np.array([4]))).all()


def test_what_the_caller_can_mend_stays_the_caller_s() -> None:
    with pytest.raises(InvalidRecord):
        over(FailingReranker(SCORES_BN, 5, InvalidRecord("no text")), 10).score(QUERY, np.array([5]))


def test_a_column_that_was_not_kept_is_an_error() -> None:
    columns = AttributeColumns(pa.RecordBatch.from_pydict({"price": [1.0], "name": ["red"]}))
    with pytest.raises(
        ConfigError, match=r"reads title of items, but the attributes have no such column \(price, name\)"
    ):
        ItemReranker.of(TableReranker(SCORES_BN), columns)
