"""Synthetic pairs: a query text that was made for an item, and where it comes from. One table holds them."""

import hashlib
import io
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from bundle.files import replace_file
from bundle.tables import ColumnType, read_table

ITEM_ID, QUERY_TEXT = "item_id", "query_text"
GENERATOR, PROMPT_KIND, SCORE, PROMPT_HASH = "generator", "prompt_kind", "score", "prompt_hash"
REPORT_KEY = b"tandem.synthetic_queries"

_REQUIRED: Mapping[str, ColumnType] = {ITEM_ID: "string", QUERY_TEXT: "string"}
_OPTIONAL: Mapping[str, ColumnType] = {
    GENERATOR: "string",
    PROMPT_KIND: "string",
    SCORE: "float",
    PROMPT_HASH: "string",
}
_SCHEMA = pa.schema(
    [
        pa.field(ITEM_ID, pa.string(), nullable=False),
        pa.field(QUERY_TEXT, pa.string(), nullable=False),
        pa.field(GENERATOR, pa.string(), nullable=False),
        pa.field(PROMPT_KIND, pa.string(), nullable=False),
        pa.field(SCORE, pa.float64()),
        pa.field(PROMPT_HASH, pa.string(), nullable=False),
    ]
)
_EDGES = " \t\r\n.,;:!?\"'`()[]{}<>…“”‘’«»"


@dataclass(frozen=True, slots=True)
class Pair:
    """A query text for an item. `score` is a judge's or the reference retriever's, larger is better; None if unknown.

    `prompt_hash` is the SHA-256, in hex, of whatever decided the text: prompt template, model and sampling settings.
    """

    item_id: str
    query_text: str
    generator: str
    prompt_kind: str
    prompt_hash: str
    score: float | None = None


def normalise(text: str) -> str:
    """The form in which two texts are the same query: no case, one space, no punctuation around words.

    Signs inside or behind a word that are no punctuation stay, so that "c++" is not "c#".
    """
    words = (word.strip(_EDGES) for word in unicodedata.normalize("NFKC", text).casefold().split())
    return " ".join(word for word in words if word) or " ".join(text.split())


def hash_of(settings: Mapping[str, object]) -> str:
    """SHA-256, in hex, of settings as JSON with sorted keys."""
    return hashlib.sha256(orjson.dumps(settings, option=orjson.OPT_SORT_KEYS)).hexdigest()


def write_pairs(path: Path, pairs: Sequence[Pair], report: Mapping[str, object]) -> None:
    """Write the Parquet table in one step, with `report` in the metadata of its schema; equal pairs are equal bytes."""
    schema = _SCHEMA.with_metadata({REPORT_KEY: orjson.dumps(report, option=orjson.OPT_SORT_KEYS)})
    table = pa.Table.from_pylist([asdict(pair) for pair in pairs], schema=schema)
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    replace_file(path, buffer.getvalue())


def read_pairs(path: Path) -> list[Pair]:
    """Read a table (Parquet, JSONL or CSV) with `item_id` and `query_text`; the other columns may be missing.

    Raises InvalidTable that names file, row and column.
    """
    return pairs_of(read_table(path, _REQUIRED, _OPTIONAL, texts=[QUERY_TEXT]), path.name)


def pairs_of(table: pa.Table, generator: str, prompt_hash: str = "") -> list[Pair]:
    """The rows of a checked table; what a row does not say is taken from the arguments."""
    names = [name for name in (*_REQUIRED, *_OPTIONAL) if name in table.column_names]
    return [
        Pair(
            item_id=row[ITEM_ID],
            query_text=row[QUERY_TEXT].strip(),
            generator=row.get(GENERATOR) or generator,
            prompt_kind=row.get(PROMPT_KIND) or "file",
            prompt_hash=row.get(PROMPT_HASH) or prompt_hash,
            score=row.get(SCORE),
        )
        for row in table.select(names).to_pylist()
    ]
