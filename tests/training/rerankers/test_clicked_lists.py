"""A click log against the tables: what is known, what is left out, and the features of its pairs."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bundle.columns import EncodedRecords
from bundle.featurize import Featurizer
from bundle.rerankers.pair_features import ItemSide, PairFeatures, PairFeatureSpec
from tests.training.small_data import small_dataset
from training.dataset import Dataset
from training.errors import BadData
from training.evaluation_set import EvaluationSet
from training.ragged import Ragged
from training.rerankers.clicked_lists import clicked_pairs, known_clicks
from training.rerankers.contract import AskedPart
from training.rerankers.feature_lists import PartFeatures


@pytest.fixture
def dataset() -> Dataset:
    return small_dataset([(0, 0), (1, 1), (2, 2)], n_queries=3, n_items=6)


def write_log(folder: Path, dataset: Dataset, rows: list[tuple[Any, Any, int, int]]) -> Path:
    """Rows of query, item, place and click; numbers are rows of the tables, words are ids of nobody."""
    queries, items = dataset.query_ids, dataset.items.item_ids
    table = {
        "query_id": [queries[one[0]] if isinstance(one[0], int) else one[0] for one in rows],
        "item_id": [items[one[1]] if isinstance(one[1], int) else one[1] for one in rows],
        "position": [one[2] for one in rows],
        "clicked": [one[3] for one in rows],
    }
    pq.write_table(pa.table(table), folder / "clicks.parquet")
    return folder / "clicks.parquet"


def test_what_the_tables_do_not_have_is_left_out_of_its_list_and_counted(tmp_path: Path, dataset: Dataset) -> None:
    rows = [(2, 5, 1, 0), (2, "gone", 2, 1), (2, 0, 3, 1), (0, 3, 1, 1), ("who", 3, 1, 1), ("who", 4, 2, 0)]
    known = known_clicks(write_log(tmp_path, dataset, rows), dataset)
    assert known.query_Q.tolist() == [0, 2]
    assert known.place_P.tolist() == [1, -1, 1, 0, -1, -1]
    assert known.item_P.tolist() == [5, -1, 0, 3, -1, -1]
    assert known.log.mask_QK.tolist() == [[True, False, True], [True, False, False], [False, False, False]]
    assert known.log.click_QK.tolist() == [[False, False, True], [True, False, False], [False, False, False]]
    assert known.log.position_QK.tolist() == [[1, 0, 3], [1, 0, 0], [0, 0, 0]]
    assert known.log.teaching_rows().tolist() == [0]
    assert known.left_out == pytest.approx(0.5)
    (finding,) = known.findings()
    assert finding.detail.startswith("50% of what was shown")


def test_a_log_of_the_tables_has_nothing_to_tell(tmp_path: Path, dataset: Dataset) -> None:
    known = known_clicks(write_log(tmp_path, dataset, [(1, 0, 1, 0), (1, 2, 2, 1)]), dataset)
    assert known.left_out == 0 and known.findings() == []


def test_a_log_of_other_tables_is_refused(tmp_path: Path, dataset: Dataset) -> None:
    path = write_log(tmp_path, dataset, [(1, "x", 1, 0), (1, 2, 2, 1), ("who", 1, 1, 1)])
    with pytest.raises(BadData, match="no shown list has a click and a second item whose query and items are in"):
        known_clicks(path, dataset)


def test_ranks_of_a_pair_are_those_among_what_a_request_would_find(tmp_path: Path, dataset: Dataset) -> None:
    rows = [(2, 5, 1, 0), (2, 3, 2, 1), (0, "gone", 1, 0), (0, 1, 2, 1), (0, 2, 3, 0)]
    clicks = known_clicks(write_log(tmp_path, dataset, rows), dataset)
    spec = PairFeatureSpec()
    assert spec.names == ["score", "score_below_best", "log_rank", "log_count"]
    item_ND = np.arange(6, dtype=np.float32)[::-1, None].copy()  # item 0 is the best of both queries, item 5 the last
    nothing = Ragged.from_rows([[], []])
    queries = EvaluationSet(clicks.query_Q, EncodedRecords({}, 2), nothing, Ragged.from_rows([[0], []]), nothing)
    no_codes = np.empty((2, 0), dtype=np.int64)
    part = AskedPart(
        queries, np.array([[1], [2]], np.float32), item_ND, no_codes, np.empty((6, 0), np.int64), np.empty(0, np.int64)
    )
    side = ItemSide(item_ND, np.zeros((6, 1), np.float32), np.empty((6, 0), np.int64), np.empty((6, 0), np.int64))
    features = PartFeatures(part, PairFeatures(spec, Featurizer((), {}, {})), side)
    pairs = clicked_pairs(features, clicks, 3, exclude_seen=True)
    # Query 2 finds 0, 1, 2 and was shown 5 and 3; query 0 had item 0, finds 1, 2, 3 and was shown 1 and 2.
    wanted = [[0, -10, np.log(5), 0], [4, -6, np.log(4), 0], [np.nan] * 4, [4, 0, 0, 0], [3, -1, np.log(2), 0]]
    np.testing.assert_allclose(pairs.feature_MF, wanted, atol=1e-6)
    assert pairs.category_MC.shape == (5, 0)
