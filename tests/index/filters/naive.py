"""Filters as plain JSON, drawn at random and evaluated record by record: the oracle of the compiled ones."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from bundle.items import Items
from index.attributes import AttributeColumns, attribute_table
from index.filters.fields import Fields
from index.ids import ItemIds, id_table

Record = dict[str, Any]
COLOURS = ("red", "dark red", "blue", "")
COUNTS = (-3, 0, 2, 2**53, 2**53 + 1)
PRICES = (-1.5, 0.0, 2.0, 9.99)
DAYS = ("2024-01-01", "2024-02-29")
TIMES = ("2024-01-01T00:00:00+00:00", "2024-01-01T12:30:00+00:00", "1969-12-31T23:00:00+00:00")
SCALARS: dict[str, tuple[Any, ...]] = {
    "colour": COLOURS,
    "stock": COUNTS,
    "price": PRICES,
    "sold": (True, False),
    "day": DAYS,
    "seen": TIMES,
}
TYPES = {
    "colour": pa.string(),
    "stock": pa.int64(),
    "price": pa.float64(),
    "sold": pa.bool_(),
    "day": pa.date32(),
    "seen": pa.timestamp("us", "UTC"),
}


def fields_of(records: Sequence[Record]) -> Fields:
    """The fields of an index version of these records; record i is the item `i`."""
    columns = {"item_id": [str(row) for row in range(len(records))]}
    for name in (*SCALARS, *(f"{name}s" for name in SCALARS)):
        kind = TYPES[name] if name in TYPES else pa.list_(TYPES[name[:-1]])
        columns[name] = pa.array([_typed(record[name]) for record in records], kind)
    items = Items(pa.table(columns), "items.parquet")
    names = [name for name in columns if name != "item_id"]
    batch = attribute_table(items, names).combine_chunks().to_batches()[0]
    ids = ItemIds(id_table(items.table["item_id"]).combine_chunks().to_batches()[0])
    return Fields(AttributeColumns(batch), ids)


def _typed(value: Any) -> Any:
    if isinstance(value, list):
        return [_typed(one) for one in value]
    if value in TIMES:
        return datetime.fromisoformat(value)
    return datetime.fromisoformat(value).date() if value in DAYS else value


@st.composite
def catalogues(draw: Any) -> list[Record]:
    """Records with each field once as a value and once as a list, and nulls in all places."""
    rng = draw(st.randoms(use_true_random=False))
    records = []
    for _ in range(draw(st.integers(1, 12))):
        record: Record = {}
        for name, values in SCALARS.items():
            record[name] = rng.choice([*values, None])
            many = [rng.choice([*values, None]) for _ in range(rng.randrange(4))]
            record[f"{name}s"] = rng.choice([many, many, many, None])
        records.append(record)
    return records


@st.composite
def _conditions(draw: Any) -> Record:
    """One condition on one field, or on ids."""
    name = draw(st.sampled_from([*SCALARS, "item_id"]))
    if name == "item_id":
        return {"has_id": draw(st.lists(st.integers(0, 14).map(str), max_size=5))}
    values = SCALARS[name]
    key = draw(st.sampled_from([name, f"{name}s"]))
    forms = ["value", "any", "except", "is_null", "is_empty"]
    forms += ["text"] if name == "colour" else ["range"] if name != "sold" else []
    form = draw(st.sampled_from(forms))
    if form.startswith("is_"):
        return {form: {"key": key}}
    if form == "range":
        bound = st.sampled_from((*values, 0.5, 2**70, -(2**70)) if name in ("stock", "price") else values)
        names = st.sampled_from(["gt", "gte", "lt", "lte"])
        return {"key": key, "range": draw(st.dictionaries(names, bound, min_size=1, max_size=3))}
    if form == "text":
        return {"key": key, "match": {"text": draw(st.sampled_from(["red", "d r", "x"]))}}
    value = st.sampled_from((0, 2) if name == "price" else values)
    return {"key": key, "match": {form: draw(value if form == "value" else st.lists(value, max_size=3))}}


@st.composite
def filters(draw: Any, levels: int = 3) -> Record:
    """A filter, with filters among its conditions `levels` deep at most."""
    inner = st.deferred(lambda: filters(levels - 1).filter(bool)) if levels > 1 else st.nothing()
    conditions = _conditions() | _conditions() | inner
    many = st.lists(conditions, max_size=3) | conditions
    asked: Record = {}
    for clause in draw(st.sets(st.sampled_from(["must", "should", "must_not", "min_should"]), max_size=3)):
        given = draw(many)
        asked[clause] = given
        if clause == "min_should":
            asked[clause] = {"conditions": given, "min_count": draw(st.integers(1, 3))}
    return asked


def holds(asked: Mapping[str, Any], item_id: str, record: Record) -> bool:
    """Whether one record meets a filter, or one condition of it, in the words of Qdrant's documentation."""
    if "has_id" in asked:
        return item_id in asked["has_id"]
    if "is_null" in asked:
        value = record[asked["is_null"]["key"]]
        return value is None or (isinstance(value, list) and None in value)
    if "is_empty" in asked:
        return record[asked["is_empty"]["key"]] in (None, [])
    if "key" in asked:
        value = record[asked["key"]]
        return any(
            one is not None and _value_holds(asked, one) for one in (value if isinstance(value, list) else [value])
        )
    return _clauses_hold(asked, item_id, record)


def _clauses_hold(asked: Mapping[str, Any], item_id: str, record: Record) -> bool:
    def each(clause: Any) -> list[bool]:
        conditions = clause if isinstance(clause, list) else [clause]
        return [holds(one, item_id, record) for one in conditions]

    kept = all(each(asked.get("must", []))) and not any(each(asked.get("must_not", [])))
    if asked.get("should"):
        kept = kept and any(each(asked["should"]))
    if "min_should" in asked:
        kept = kept and sum(each(asked["min_should"]["conditions"])) >= asked["min_should"]["min_count"]
    return kept


def _value_holds(asked: Mapping[str, Any], value: Any) -> bool:
    if "range" in asked:
        tests = {
            "gt": lambda b: value > b,
            "gte": lambda b: value >= b,
            "lt": lambda b: value < b,
            "lte": lambda b: value <= b,
        }
        return all(tests[name](bound) for name, bound in asked["range"].items())
    match = asked["match"]
    if "value" in match:
        return bool(value == match["value"])
    if "any" in match:
        return value in match["any"]
    return value not in match["except"] if "except" in match else match["text"] in value
