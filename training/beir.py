"""The BEIR folder layout, read as it is: corpus.jsonl, queries.jsonl and qrels/*.tsv."""

from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from bundle.errors import InvalidTable
from bundle.items import Items
from bundle.tables import check_unique, read_table
from training.tables import GRADE, ITEM_ID, QUERY_ID, SPLIT, check_interactions

_QRELS = {"query-id": QUERY_ID, "corpus-id": ITEM_ID, "score": GRADE}


def read_beir_items(folder: Path) -> Items:
    """corpus.jsonl as items: `_id` becomes `item_id`, `title`, `text` and others stay. Raises InvalidTable."""
    return Items(_read_texts(folder / "corpus.jsonl", ITEM_ID), str(folder / "corpus.jsonl"))


def read_beir_queries(folder: Path) -> pa.Table:
    """queries.jsonl as queries: `_id` becomes `query_id`. Raises InvalidTable."""
    return _read_texts(folder / "queries.jsonl", QUERY_ID)


def read_beir_interactions(folder: Path) -> list[tuple[Path, pa.Table]]:
    """Each qrels/<part>.tsv as interactions with `grade` = score and `split` = <part>. Raises InvalidTable."""
    paths = sorted((folder / "qrels").glob("*.tsv"))
    if not paths:
        raise InvalidTable(f"{folder} has no qrels/*.tsv; a BEIR folder holds at least one", path=str(folder))
    return [(path, _read_qrels(path)) for path in paths]


def _read_texts(path: Path, id_column: str) -> pa.Table:
    table = read_table(path, {"_id": "string", "text": "string"})
    if table.num_rows == 0:
        raise InvalidTable(f"{path} has no rows", path=str(path))
    check_unique(table, "_id", path)
    return table.rename_columns([id_column if name == "_id" else name for name in table.column_names])


def _read_qrels(path: Path) -> pa.Table:
    types = {"query-id": pa.string(), "corpus-id": pa.string(), "score": pa.float64()}
    try:
        table = pyarrow.csv.read_csv(
            path,
            parse_options=pyarrow.csv.ParseOptions(delimiter="\t", quote_char=False),
            convert_options=pyarrow.csv.ConvertOptions(column_types=types),
        )
    except (pa.ArrowInvalid, OSError) as error:
        raise InvalidTable(f"{path} cannot be read: {error}", path=str(path)) from error
    for name in _QRELS:
        if name not in table.column_names:
            has = ", ".join(table.column_names)
            raise InvalidTable(f"{path} has no column '{name}'; it has: {has}", path=str(path), column=name)
    table = table.select(list(_QRELS)).rename_columns(list(_QRELS.values()))
    table = table.append_column(SPLIT, pa.array([path.stem] * table.num_rows, pa.string()))
    check_interactions(table, path)
    return table
