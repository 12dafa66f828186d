"""Baskets written as lists of item numbers, and the planted shop of mattresses and sheets."""

from collections.abc import Sequence

from bundle.config import validate_config
from tests.training.small_data import small_dataset
from training.config import TrainConfig
from training.dataset import Dataset
from training.item_pairs.pairs import ItemPairs

N_KINDS = 8  # item rows 0..7 are mattresses, 8..15 sheets


def basket_dataset(baskets: Sequence[Sequence[int]], n_items: int, hours: Sequence[int] | None = None) -> Dataset:
    """Basket b is bought by query b % 2 in hour b, or in that of `hours`."""
    pairs = [(number % 2, item) for number, items in enumerate(baskets) for item in items]
    times = hours or range(len(baskets))
    seconds = [3600 * time for time, items in zip(times, baskets, strict=True) for _ in items]
    return small_dataset(pairs, seconds=seconds, n_queries=2, n_items=n_items)


def counts_of(pairs: ItemPairs) -> dict[tuple[int, int], int]:
    """The count of each pair."""
    columns = pairs.item_P.tolist(), pairs.other_P.tolist(), pairs.count_P.tolist()
    return {(item, other): count for item, other, count in zip(*columns, strict=True)}


def planted_baskets() -> list[list[int]]:
    """Every mattress with every sheet in a basket of its own, over and over; never two mattresses or two sheets."""
    return [
        [mattress, N_KINDS + (mattress + step) % N_KINDS]
        for _ in range(4)
        for step in range(N_KINDS)
        for mattress in range(N_KINDS)
    ]


def planted_config() -> TrainConfig:
    """In and out vectors by SGNS, in a second."""
    by_id = [{"kind": "category", "name": "item_id"}]
    settings = {
        "collection": "planted",
        "data": {"items": "i.csv", "interactions": "b.csv", "pairs": {"source": "baskets", "min_count": 1}},
        "split": {"kind": "time", "validation_from": None, "test_from": 0.75},
        "features": {"query": by_id, "item": by_id},
        "dimension": 16,
        "objective": {"kind": "sgns", "negatives": 5},
        "negatives": {"kind": "uniform", "n": 16, "mask_known_positives": False},
        "evaluation": {"ks": [1], "exclude_seen": False},
        "trainer": {"epochs": 60, "batch_size": 64, "learning_rate": 0.02, "metric": "recall@1"},
    }
    return validate_config(TrainConfig, settings, "test")
