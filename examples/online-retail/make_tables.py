"""Makes the tables of this folder from the transactions of Online Retail; the same input gives the same bytes.

python examples/online-retail/make_tables.py --source transactions.parquet

The rules, and why, stand in the README beside this file.
"""

import argparse
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from pathlib import Path
from statistics import median

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

HELD_OUT_FROM = datetime(2011, 10, 31)  # start of the validation part: nothing later may enter features or relations
ITEM_CODE = re.compile(r"\d{5}[A-Z]*")
MAX_BASKET = 100  # distinct items; larger baskets are a wholesaler's stock order and pair everything with everything
MIN_SUPPORT = 10  # baskets that must hold both items
MAX_RELATED = 10  # related items kept for an item


@dataclass(frozen=True)
class Sale:
    """One item in one basket, sold for money."""

    basket: str
    item_id: str
    description: str
    quantity: int
    time: datetime
    price: float
    customer: str | None
    country: str


def read_sales(source: Path) -> list[Sale]:
    """The lines that sell an item, in time order: no cancellation, no correction, no fee."""
    table = pq.read_table(source)
    table = table.filter(
        pc.and_(
            pc.and_(pc.greater(table["quantity"], 0), pc.greater(table["unit_price"], 0)),
            pc.invert(pc.starts_with(table["invoice_no"], "C")),
        )
    )
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
    sales = []
    for row in zip(*(table[name].to_pylist() for name in names), strict=True):
        basket, code, description, quantity, time, price, customer, country = row
        code = code.strip().upper()  # 85123a and 85123A are one item
        if ITEM_CODE.fullmatch(code):
            text = " ".join((description or "").split())
            sales.append(Sale(basket, code, text, quantity, time, price, customer, country))
    sales.sort(key=lambda sale: sale.time)  # stable: lines of one minute keep their order
    return sales


def make_items(sales: Iterable[Sale]) -> pa.Table:
    """One row an item with a product description: `item_id`, `description`, `price` in pounds."""
    descriptions: dict[str, Counter[str]] = defaultdict(Counter)
    early: dict[str, list[float]] = defaultdict(list)
    late: dict[str, list[float]] = defaultdict(list)
    for sale in sales:
        if is_product_description(sale.description):
            descriptions[sale.item_id][sale.description] += 1
        (early if sale.time < HELD_OUT_FROM else late)[sale.item_id].append(sale.price)
    ids = sorted(descriptions)
    commonest = [min(descriptions[i].items(), key=lambda entry: (-entry[1], entry[0]))[0] for i in ids]
    prices = [round(median(early.get(i) or late[i]), 2) for i in ids]
    return pa.table({"item_id": ids, "description": commonest, "price": pa.array(prices, pa.float64())})


def is_product_description(text: str) -> bool:
    """Products are written in capitals; notes of the stock room ("damaged", "wrongly sold", "?") are not."""
    letters = [letter for letter in text if letter.isalpha()]
    return len(letters) >= 3 and 2 * sum(letter.isupper() for letter in letters) > len(letters)


def make_interactions(sales: Iterable[Sale], item_ids: set[str]) -> pa.Table:
    """One row a basket and item of a known customer; a basket has one timestamp, that of its first line."""
    quantities: dict[tuple[str, str], int] = {}
    baskets: dict[str, tuple[str, datetime]] = {}
    for sale in sales:
        if sale.customer is not None and sale.item_id in item_ids:
            baskets.setdefault(sale.basket, (sale.customer, sale.time))
            key = (sale.basket, sale.item_id)
            quantities[key] = quantities.get(key, 0) + sale.quantity
    rows = sorted(quantities, key=lambda key: (baskets[key[0]][1], key[0]))  # stable: lines keep their order
    return pa.table(
        {
            "query_id": [baskets[basket][0] for basket, _ in rows],
            "item_id": [item for _, item in rows],
            "timestamp": pa.array([baskets[basket][1] for basket, _ in rows], pa.timestamp("ms")),
            "basket": [basket for basket, _ in rows],
            "quantity": pa.array([quantities[key] for key in rows], pa.int32()),
        }
    )


def make_queries(sales: Iterable[Sale], query_ids: Iterable[str]) -> pa.Table:
    """One row a customer: `query_id` and the `country` of the first purchase."""
    country: dict[str, str] = {}
    for sale in sales:
        if sale.customer is not None:
            country.setdefault(sale.customer, sale.country)
    ids = sorted(set(query_ids))
    return pa.table({"query_id": ids, "country": [country[i] for i in ids]})


def make_relations(sales: Iterable[Sale], item_ids: set[str]) -> pa.Table:
    """Items bought together before HELD_OUT_FROM, also by unknown customers: the nearest by cosine of their baskets."""
    contents: dict[str, set[str]] = defaultdict(set)
    for sale in sales:
        if sale.time < HELD_OUT_FROM and sale.item_id in item_ids:
            contents[sale.basket].add(sale.item_id)
    kept = [sorted(items) for items in contents.values() if len(items) <= MAX_BASKET]
    single = Counter(item for items in kept for item in items)
    pairs = Counter(pair for items in kept for pair in combinations(items, 2))
    related: dict[str, list[tuple[float, str, int]]] = defaultdict(list)
    for (a, b), together in pairs.items():
        if together >= MIN_SUPPORT:
            cosine = together / (single[a] * single[b]) ** 0.5
            related[a].append((-cosine, b, together))
            related[b].append((-cosine, a, together))
    rows = [(a, *entry) for a in sorted(related) for entry in sorted(related[a])[:MAX_RELATED]]
    return pa.table(
        {
            "item_id": [row[0] for row in rows],
            "related_id": [row[2] for row in rows],
            "relation": ["co-purchase"] * len(rows),
            "baskets": pa.array([row[3] for row in rows], pa.int32()),
            "cosine": pa.array([round(-row[1], 4) for row in rows], pa.float32()),
        }
    )


def make_tables(source: Path, target: Path) -> None:
    """Write items, queries, interactions and relations of `source` into the folder `target`."""
    sales = read_sales(source)
    items = make_items(sales)
    item_ids = set(items["item_id"].to_pylist())
    interactions = make_interactions(sales, item_ids)
    tables = {
        "items": items,
        "queries": make_queries(sales, interactions["query_id"].to_pylist()),
        "interactions": interactions,
        "relations": make_relations(sales, item_ids),
    }
    for name, table in tables.items():
        path = target / f"{name}.parquet"
        pq.write_table(table, path, compression="zstd", compression_level=19, use_dictionary=True)
        print(f"{path.name}: {table.num_rows:,} rows, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--source", type=Path, required=True, help="transactions.parquet of Online Retail")
    parser.add_argument("--target", type=Path, default=Path(__file__).parent, help="folder to write into")
    arguments = parser.parse_args()
    make_tables(arguments.source, arguments.target)
