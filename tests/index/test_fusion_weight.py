import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bundle.errors import InvalidTable
from bundle.workspace import Collection
from index.fusion import Candidates
from index.fusion_weight import WEIGHTS, FusionConfig, ndcg_by_weight, read_answers
from index.ids import ItemIds, id_table
from index.manifest import FusionReport
from index.store import read_version
from tests.index.shop import build_shop

QUERY_IDS = ["q0", "q1", "q2"]


def write(path: Path, **columns: list[Any]) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def ids(*names: str) -> ItemIds:
    return ItemIds(id_table(pa.chunked_array([list(names)])).combine_chunks().to_batches()[0])


def config(**settings: Any) -> FusionConfig:
    return FusionConfig(queries=Path("queries.parquet"), interactions=Path("answers.parquet"), **settings)


def test_ndcg_by_hand() -> None:
    """Item 0 is best by embedding, item 1 by words; both are answers, item 1 with the larger gain."""
    candidates = Candidates(
        np.array([0, 1, 2]),
        np.array([3, 2, 1], dtype=np.float32),
        np.array([1, 3, 2], dtype=np.float32),
        np.array([1, 2, 3]),
        np.array([3, 1, 2]),
    )
    ndcg_W = ndcg_by_weight(candidates, {0: 1.0, 1: 3.0})
    ideal = 3 + 1 / math.log2(3)
    assert ndcg_W[WEIGHTS.index(1.0)] == pytest.approx((1 + 3 / math.log2(3)) / ideal)
    assert ndcg_W[WEIGHTS.index(0.0)] == pytest.approx((3 + 1 / 2) / ideal)
    assert ndcg_W[WEIGHTS.index(0.5)] == pytest.approx(1)


def test_answers_are_gains_by_row(tmp_path: Path) -> None:
    write(
        tmp_path / "answers.parquet",
        query_id=["q0", "q0", "q2", "q2", "q9", "q1"],
        item_id=["a", "b", "b", "gone", "a", "a"],
        grade=[1.0, 3.0, 2.0, 1.0, 1.0, 0.0],
    )
    answers = read_answers(config(), tmp_path, QUERY_IDS, ids("a", "b"))
    assert answers.gain_by_row == {0: {0: 1.0, 1: 7.0}, 2: {1: 3.0}}
    assert answers.n_left_out == 2


def test_without_grades_every_answer_counts_alike_and_a_split_chooses(tmp_path: Path) -> None:
    write(
        tmp_path / "answers.parquet",
        query_id=["q0", "q0", "q1"],
        item_id=["a", "b", "b"],
        split=["validation", "test", "validation"],
    )
    answers = read_answers(config(split="validation"), tmp_path, QUERY_IDS, ids("a", "b"))
    assert answers.gain_by_row == {0: {0: 1.0}, 1: {1: 1.0}}
    with pytest.raises(InvalidTable, match=r"has no answer of a query in queries\.parquet.*check the setting 'split'"):
        read_answers(config(split="dev"), tmp_path, QUERY_IDS, ids("a", "b"))


def test_a_split_needs_its_column(tmp_path: Path) -> None:
    write(tmp_path / "answers.parquet", query_id=["q0"], item_id=["a"])
    with pytest.raises(InvalidTable, match="no column 'split'"):
        read_answers(config(split="validation"), tmp_path, QUERY_IDS, ids("a"))


def test_a_grade_that_is_no_grade_is_named(tmp_path: Path) -> None:
    for grade, says in ((1500.0, "1500"), (float("nan"), "nan"), (float("-inf"), "-inf")):
        write(tmp_path / "answers.parquet", query_id=["q0", "q1"], item_id=["a", "a"], grade=[1.0, grade])
        with pytest.raises(InvalidTable, match=rf"row 2, column 'grade' has {says}.*grades up to 30"):
            read_answers(config(), tmp_path, QUERY_IDS, ids("a"))


def test_grades_of_0_and_below_are_kept_beside_an_answer_and_worth_nothing(tmp_path: Path) -> None:
    write(tmp_path / "answers.parquet", query_id=["q0", "q0"], item_id=["a", "b"], grade=[-1.0, 2.0])
    answers = read_answers(config(), tmp_path, QUERY_IDS, ids("a", "b"))
    assert answers.grade_by_row == {0: {0: -1.0, 1: 2.0}}
    assert answers.gain_by_row == {0: {0: 0.0, 1: 3.0}}


def learned(shop: Collection, titles: list[str], answers: list[str], **settings: Any) -> FusionReport:
    root = shop.folder.parents[1]
    query_ids = [f"q{row}" for row in range(len(titles))]
    write(root / "queries.parquet", query_id=query_ids, title=titles)
    write(root / "answers.parquet", query_id=query_ids, item_id=answers)
    fusion = {"queries": "queries.parquet", "interactions": "answers.parquet", **settings}
    report = read_version(shop, build_shop(shop, lexical={}, fusion=fusion)).fusion
    assert report is not None
    return report


def test_where_the_words_decide_the_words_get_the_weight(own_shop: Collection) -> None:
    """One word of each title: the tower of sums finds it badly, the words well."""
    items = pq.read_table(own_shop.folder.parents[1] / "items.parquet").to_pydict()
    report = learned(own_shop, [title.split()[1] for title in items["title"]], items["item_id"])
    assert report.dense_weight <= 0.5
    assert report.ndcg["0"] > report.ndcg["1"]
    assert report.ndcg[f"{report.dense_weight:g}"] == max(report.ndcg.values())
    assert (report.n_queries, report.n_left_out) == (60, 0)


def test_where_no_query_has_a_known_word_all_weights_but_0_are_alike(own_shop: Collection) -> None:
    """Half a word is an n-gram that the tower knows, but no word; without a preference the weight is a half."""
    items = pq.read_table(own_shop.folder.parents[1] / "items.parquet").to_pydict()
    halves = [" ".join(word[:4] for word in title.split()) for title in items["title"]]
    report = learned(own_shop, halves, items["item_id"], n_queries=25)
    assert report.dense_weight == 0.5
    assert report.ndcg["0.5"] == report.ndcg["1"] > report.ndcg["0"]
    assert report.n_queries == 25


def test_a_bad_query_is_named(own_shop: Collection) -> None:
    with pytest.raises(InvalidTable, match=r"queries\.parquet row 2, column 'title'"):
        learned(own_shop, ["red", ""], ["item-1", "item-2"])
