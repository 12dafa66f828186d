import importlib.util
import sys
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "online-retail" / "make_tables.py"
START = datetime(2011, 1, 3, 9, 0)
LATE = datetime(2011, 11, 25)

# invoice, code, description, quantity, minutes after the start (or a time), price, customer, country
LINES: list[tuple[str, str, str | None, int, int | datetime, float, str | None, str]] = [
    ("1", "10001", "RED MUG", 2, 0, 1.0, "c1", "UK"),
    ("1", "10002a", "BAG 125g  MARBLES ", 1, 1, 2.0, "c1", "UK"),  # a minute later, in the same basket
    ("1", "10001", "RED MUG", 3, 1, 1.0, "c1", "UK"),  # the same item again
    ("1", "POST", "POSTAGE", 1, 0, 9.0, "c1", "UK"),
    ("2", "10001", "RED MUGG", 1, 5, 3.0, "c2", "France"),
    ("2", "10002A", "damaged", 1, 5, 2.0, "c2", "France"),
    ("C3", "10001", "RED MUG", -2, 7, 1.0, "c1", "UK"),
    ("4", "10001", "RED MUG", 1, 8, 0.0, "c1", "UK"),
    ("5", "10003", "wrongly sold", 1, 9, 1.0, "c1", "UK"),
    ("6", "10004", "BLUE CUP", 1, LATE, 7.0, "c1", "Spain"),
    ("6", "10001", "RED MUG", 1, LATE, 99.0, "c1", "Spain"),
    ("7", "10001", "RED MUG", 1, 3, 1.0, None, "UK"),
]


@pytest.fixture(scope="module")
def make_tables() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_tables", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_tables"] = module
    spec.loader.exec_module(module)
    return module


def write(path: Path, lines: list[tuple[str, str, str | None, int, int | datetime, float, str | None, str]]) -> Path:
    names = (
        "invoice_no",
        "stock_code",
        "description",
        "quantity",
        "invoice_date",
        "unit_price",
        "customer_id",
        "country",
    )
    columns = dict(zip(names, map(list, zip(*lines, strict=True)), strict=True))
    columns["invoice_date"] = [
        START + timedelta(minutes=when) if isinstance(when, int) else when for when in columns["invoice_date"]
    ]
    pq.write_table(pa.table(columns), path)
    return path


def made(make_tables: ModuleType, folder: Path) -> dict[str, list[dict[str, object]]]:
    source = write(folder / "transactions.parquet", LINES)
    make_tables.make_tables(source, folder)
    return {
        name: pq.read_table(folder / f"{name}.parquet").to_pylist()
        for name in ("items", "queries", "interactions", "relations")
    }


def test_items_have_one_product_description_and_an_early_price(make_tables: ModuleType, tmp_path: Path) -> None:
    assert made(make_tables, tmp_path)["items"] == [
        {"item_id": "10001", "description": "RED MUG", "price": 1.0},
        {"item_id": "10002A", "description": "BAG 125g MARBLES", "price": 2.0},
        {"item_id": "10004", "description": "BLUE CUP", "price": 7.0},  # sold late only: its first prices count
    ]


def test_interactions_are_clean_purchases_of_known_customers(make_tables: ModuleType, tmp_path: Path) -> None:
    rows = made(make_tables, tmp_path)["interactions"]
    assert [(row["query_id"], row["item_id"], row["basket"], row["quantity"]) for row in rows] == [
        ("c1", "10001", "1", 5),
        ("c1", "10002A", "1", 1),
        ("c2", "10001", "2", 1),
        ("c2", "10002A", "2", 1),
        ("c1", "10004", "6", 1),
        ("c1", "10001", "6", 1),
    ]
    assert rows[0]["timestamp"] == rows[1]["timestamp"] == START  # one moment a basket


def test_a_customer_has_the_country_of_the_first_purchase(make_tables: ModuleType, tmp_path: Path) -> None:
    assert made(make_tables, tmp_path)["queries"] == [
        {"query_id": "c1", "country": "UK"},
        {"query_id": "c2", "country": "France"},
    ]


def test_relations_do_not_look_past_the_boundary(make_tables: ModuleType, tmp_path: Path) -> None:
    early = [(f"{n}", code, f"ITEM {code}", 1, n, 1.0, None, "UK") for n in range(10) for code in ("10001", "10002")]
    late = [(f"L{n}", code, f"ITEM {code}", 1, LATE, 1.0, "c", "UK") for n in range(50) for code in ("10001", "10003")]
    alone = [("99", "10001", "ITEM 10001", 1, 60 * n, 1.0, None, "UK") for n in range(1)]
    sales = make_tables.read_sales(write(tmp_path / "t.parquet", [*early, *late, *alone]))
    rows = make_tables.make_relations(sales, {"10001", "10002", "10003"}).to_pylist()
    assert [(row["item_id"], row["related_id"], row["relation"], row["baskets"]) for row in rows] == [
        ("10001", "10002", "co-purchase", 10),
        ("10002", "10001", "co-purchase", 10),
    ]
    assert rows[0]["cosine"] == pytest.approx(10 / (11 * 10) ** 0.5, abs=1e-4)


def test_the_same_input_gives_the_same_bytes(make_tables: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    made(make_tables, tmp_path / "a")
    made(make_tables, tmp_path / "b")
    for path in (tmp_path / "a").glob("*.parquet"):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
