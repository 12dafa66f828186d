from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from training.dataset import DataConfig, Dataset, load_dataset
from training.splits import TimeSplit

FOLDER = Path(__file__).parents[2] / "examples" / "online-retail"


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    names = ("items", "interactions", "queries", "relations")
    return load_dataset(DataConfig(**{name: Path(f"{name}.parquet") for name in names}), FOLDER)


def test_the_folder_is_small_and_carries_its_licence() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 4 * 2**20
    readme = (FOLDER / "README.md").read_text()
    assert "CC BY 4.0" in readme
    assert "Chen" in readme


def test_every_id_is_known_and_the_readme_counts_are_right(dataset: Dataset) -> None:
    report, readme = dataset.report, (FOLDER / "README.md").read_text()
    assert report.interactions == report.interactions_read
    assert report.dropped_unknown_item == report.dropped_unknown_query == report.dropped_relations == 0
    assert dataset.relations is not None
    for count in (report.items, report.queries, report.interactions, len(dataset.relations.item_N)):
        assert f"{count:,}" in readme


def test_items_are_products_with_one_description_and_a_price(dataset: Dataset) -> None:
    for record in dataset.items.records(["item_id", "description", "price"]):
        code, description, price = record.values()
        assert str(code)[:5].isdigit()
        assert len(str(description)) > 3
        assert isinstance(price, float)
        assert price > 0


def test_a_basket_has_one_customer_and_one_moment() -> None:
    table = pq.read_table(FOLDER / "interactions.parquet")
    rows = set(zip(*(table[name].to_pylist() for name in ("basket", "query_id", "timestamp")), strict=True))
    baskets = set(table["basket"].to_pylist())
    assert len(rows) == len(baskets)
    pairs = set(zip(table["basket"].to_pylist(), table["item_id"].to_pylist(), strict=True))
    assert len(pairs) == table.num_rows
    assert not any(basket.startswith("C") for basket in baskets)
    assert min(table["quantity"].to_pylist()) > 0


def test_the_split_of_the_readme_keeps_most_rows_for_training(dataset: Dataset) -> None:
    split = TimeSplit(validation_from="2011-10-31", test_from="2011-11-21").split(dataset)
    shares = [len(rows) / len(dataset.interactions) for rows in (split.train_N, split.validation_N, split.test_N)]
    assert shares == pytest.approx([0.79, 0.11, 0.10], abs=0.01)
    time_N = dataset.interactions.timestamp_N
    assert time_N is not None
    assert np.all(np.diff(time_N) >= 0)


def test_relations_are_pairs_of_different_items(dataset: Dataset) -> None:
    relations = dataset.relations
    assert relations is not None
    assert set(relations.relation_N) == {"co-purchase"}
    assert (relations.item_N != relations.related_N).all()
    assert np.bincount(relations.item_N).max() <= 10
