from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bundle.errors import ConfigError, InvalidTable
from bundle.store import list_bundles, open_bundle
from bundle.workspace import Collection, Workspace
from evaluation.errors import NothingToMeasure
from evaluation.side_by_side import ComparisonConfig
from index.build import build_index
from index.config import BuildConfig
from index.query_comparison import Opened, StoredQueries, compare_versions, judged_queries, unjudged_queries
from index.version import open_version
from tests.index.linear import linear_bundle

STORED = StoredQueries(queries=Path("queries.parquet"), interactions=Path("qrels.csv"), k=2)
TWO = ComparisonConfig(k=2, gain="exponential")


@pytest.fixture
def plane(tmp_path: Path) -> Collection:
    collection = Workspace(tmp_path / "workspace").collection("plane")
    linear_bundle(collection, np.eye(2, dtype=np.float32))
    queries = {
        "query_id": ["q", "r"],
        "text": ["to the east", "to the north"],
        "vector": pa.array([[1.0, 0.0], [0.0, 1.0]], pa.list_(pa.float64())),
    }
    pq.write_table(pa.table(queries), tmp_path / "queries.parquet")
    (tmp_path / "qrels.csv").write_text("query_id,item_id,grade\nq,i1,1\nq,i0,0\nq,gone,3\nr,i3,2\n")
    return collection


def on_a_circle(plane: Collection, folder: Path, degrees: dict[str, float]) -> Opened:
    vectors = [[float(np.cos(one)), float(np.sin(one))] for one in np.deg2rad(list(degrees.values()))]
    table = {
        "item_id": list(degrees),
        "title": [f"at {one:g}°" for one in degrees.values()],
        "vector": pa.array(vectors, pa.list_(pa.float64())),
    }
    pq.write_table(pa.table(table), folder / "items.parquet")
    version = build_index(plane, BuildConfig(collection=plane.name, items=folder / "items.parquet"))
    return Opened(open_version(plane, version), open_bundle(plane, list_bundles(plane)[0]))


@pytest.fixture
def before(plane: Collection, tmp_path: Path) -> Opened:
    return on_a_circle(plane, tmp_path, {"i0": 0, "i1": 10, "i2": 20, "i3": 80})


@pytest.fixture
def after(plane: Collection, tmp_path: Path, before: Opened) -> Opened:
    """Of another catalogue: i1 falls behind i2, and an item is new."""
    return on_a_circle(plane, tmp_path, {"i0": 0, "i1": 30, "i2": 20, "i3": 80, "new": 130})


def test_quality_by_hand(before: Opened, after: Opened, tmp_path: Path) -> None:
    asked = judged_queries(STORED, tmp_path, [after, before], seed=0)
    # The item that is gone counts in neither version, and a grade of 0 is a judgement.
    assert asked.grades == {"q": {"i1": 1.0, "i0": 0.0}, "r": {"i3": 2.0}}
    found = compare_versions(asked, before, after, TWO)
    ndcg, recall = found.results[:2]
    # q: i0, i1 before, i0, i2 after; r: i3 first in both.
    assert (ndcg.left, ndcg.right) == pytest.approx(((1 / np.log2(3) + 1) / 2, 0.5))
    assert (recall.left, recall.right) == (1, 0.5)
    assert (ndcg.wins, ndcg.losses, ndcg.ties) == (0, 1, 1)
    assert (found.left.name, found.right.name) == (before.version.version, after.version.version)
    assert found.right.detail.startswith("5 items, flat, bundle ")


def test_queries_and_items_are_shown_by_their_names_of_the_newer_version(
    before: Opened, after: Opened, tmp_path: Path
) -> None:
    found = compare_versions(judged_queries(STORED, tmp_path, [after, before], seed=0), before, after, TWO)
    (lost,) = found.worst
    assert lost.name == "to the east"
    assert [one.name for one in lost.left] == ["at 0°", "at 30°"]
    assert [one.item_id for one in lost.right] == ["i0", "i2"]
    assert [one.name for one in found.changed[0].right] == ["at 80°", "at 130°"]


def test_without_answers_the_hits_alone_are_compared(before: Opened, after: Opened, tmp_path: Path) -> None:
    asked = unjudged_queries(tmp_path / "queries.parquet", [before, after], 10, seed=0)
    found = compare_versions(asked, before, after, TWO)
    assert (found.results, found.n_queries) == ((), 2)
    assert found.overlap.mean == 0.5
    assert len(unjudged_queries(tmp_path / "queries.parquet", [before, after], 1, seed=0).query_ids) == 1


def test_one_version_twice_is_refused(before: Opened, tmp_path: Path) -> None:
    asked = judged_queries(STORED, tmp_path, [before, before], seed=0)
    with pytest.raises(ConfigError, match="so every query would tie; name two versions"):
        compare_versions(asked, before, before, TWO)


def test_answers_must_be_in_both_versions(plane: Collection, before: Opened, tmp_path: Path) -> None:
    other = on_a_circle(plane, tmp_path, {"i9": 0, "i1": 10})
    (tmp_path / "qrels.csv").write_text("query_id,item_id,grade\nq,i9,1\nq,i1,0\n")
    with pytest.raises(NothingToMeasure, match="is an item of both versions"):
        judged_queries(STORED, tmp_path, [other, before], seed=0)


def test_bad_queries_are_named(before: Opened, after: Opened, tmp_path: Path) -> None:
    (tmp_path / "twice.csv").write_text("query_id,text\nq,a\nq,b\n")
    with pytest.raises(InvalidTable, match="row 2, column 'query_id': 'q' stands in row 1"):
        unjudged_queries(tmp_path / "twice.csv", [before, after], 10, seed=0)
    (tmp_path / "none.csv").write_text("query_id,text\n")
    with pytest.raises(InvalidTable, match="has no rows"):
        unjudged_queries(tmp_path / "none.csv", [before, after], 10, seed=0)
