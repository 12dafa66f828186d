"""A dataset whose queries are its items: pairs of items in place of interactions, the items table as queries.

Letters: N items, P pairs.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from bundle.errors import ConfigError
from bundle.items import Items, read_items
from training.dataset import DataConfig, Dataset, DatasetReport
from training.errors import BadData
from training.interactions import Interactions, join_interactions
from training.item_pairs.baskets import BasketPairsConfig, Baskets, PairCounts, SizeLimits, count_pairs
from training.item_pairs.pairs import ItemPairs, subsampled
from training.item_pairs.relations import RelationPairsConfig, stated_pairs
from training.item_pairs.synthetic import synthetic_pairs
from training.queries import Queries
from training.ragged import FloatArray
from training.rows import IdRows
from training.similar_items import nearest_items
from training.splits import Split
from training.tables import ITEM_ID, QUERY_ID, WEIGHT, check_interactions, read_relations


def pair_baskets(config: BasketPairsConfig, dataset: Dataset, split: Split) -> tuple[Dataset, Split]:
    """The pairs of each part's baskets, each part counted by itself, so that no later basket counts in training.

    A pair's weight is its count, in training as subsampled; synthetic pairs are in training alone. The report tells of
    the training part. Raises BadData when no pair is left in train or test.
    """
    n_items = len(dataset.items)
    parts = {"train": split.train_N, "validation": split.validation_N, "test": split.test_N}
    baskets = {name: Baskets.of(dataset.interactions, rows, config.by) for name, rows in parts.items()}
    limits = baskets["train"].limits(config.size_quantile)
    counted = {
        name: count_pairs(part.within(limits), n_items, config.min_count, config.min_pmi)
        for name, part in baskets.items()
    }
    for name in ("train", "test"):
        _check_pairs(name, baskets[name], counted[name], config)
    pairs = {name: part.pairs for name, part in counted.items()}
    if config.synthetic is not None:
        made = synthetic_pairs(pairs["train"], nearest_items(dataset.items, config.synthetic), config.synthetic.gain)
        pairs["train"] = ItemPairs.together([pairs["train"], made], n_items)
    weights = {name: part.count_P.astype(np.float32) for name, part in pairs.items()}
    if config.subsample is not None:
        weights["train"] = subsampled(pairs["train"], counted["train"].baskets_N, config.subsample)
    counts = _counts(baskets["train"], limits, counted["train"], pairs["train"])
    rows = np.split(np.arange(sum(map(len, pairs.values()))), np.cumsum([len(part) for part in pairs.values()])[:-1])
    interactions = _interactions(dataset.items, list(pairs.values()), list(weights.values()))
    return _of_items(dataset.items, interactions, replace(dataset.report, item_pairs=counts)), Split(*rows)


def read_related_items(config: DataConfig, pairs: RelationPairsConfig, base: Path, texts: Collection[str]) -> Dataset:
    """The items and the pairs that their relations table states.

    The columns `texts` of a CSV are read as texts. Raises InvalidTable that names file, row and column of the first
    fault, BadData when no row has one of the relations.
    """
    if config.items is None or config.relations is None:
        raise ConfigError("data needs items and relations for data.pairs.source = 'relations'")
    items, path = read_items(base / config.items, texts), base / config.relations
    relations = read_relations(path)
    stated = stated_pairs(relations, pairs)
    check_interactions(stated.table, path)
    rows = IdRows.of(items.item_ids, items.source)
    joined = join_interactions(
        [(path, stated.table)], rows, rows, drop_unknown=config.drop_unknown, positive_above=config.positive_above
    )
    report = DatasetReport(
        items=len(items),
        queries=len(items),
        interactions_read=relations.num_rows,
        interactions=len(joined.interactions),
        dropped_unknown_query=joined.unknown_query,
        dropped_unknown_item=joined.unknown_item,
        dropped_not_positive=joined.not_positive,
        item_pairs=stated.dropped,
    )
    return _of_items(items, joined.interactions, report)


def _of_items(items: Items, interactions: Interactions, report: DatasetReport) -> Dataset:
    if QUERY_ID in items.table.column_names:
        raise BadData(f"{items.source} has a column '{QUERY_ID}', which is what items are called as queries; rename it")
    table = items.table.append_column(QUERY_ID, items.table[ITEM_ID])
    queries = Queries(items.item_ids, table, items.source)
    return Dataset(items, queries, interactions, None, None, report, queries_are="items")


def _interactions(items: Items, parts: list[ItemPairs], weights: list[FloatArray]) -> Interactions:
    item_P, other_P = (np.concatenate([getattr(part, name) for part in parts]) for name in ("item_P", "other_P"))
    ids = items.table[ITEM_ID]
    columns = {
        QUERY_ID: ids.take(pa.array(item_P)),
        ITEM_ID: ids.take(pa.array(other_P)),
        WEIGHT: pa.array(np.concatenate(weights).astype(np.float64)),
    }
    return Interactions.from_table(pa.table(columns), item_P, other_P)


def _check_pairs(part: str, baskets: Baskets, counted: PairCounts, config: BasketPairsConfig) -> None:
    if len(counted.pairs) == 0:
        raise BadData(
            f"no pair of items is left in the {part} part: of {len(baskets)} baskets {counted.dropped_rare} pairs are "
            f"in fewer than {config.min_count}, {counted.dropped_pmi} have a PMI below {config.min_pmi}; change "
            "data.pairs or the split"
        )


def _counts(baskets: Baskets, limits: SizeLimits, counted: PairCounts, pairs: ItemPairs) -> Mapping[str, int]:
    n_baskets = len(baskets)
    return {
        "baskets": n_baskets,
        "dropped_large_baskets": n_baskets - len(baskets.within(limits)),
        "dropped_rare_pairs": counted.dropped_rare,
        "dropped_low_pmi_pairs": counted.dropped_pmi,
        "synthetic_pairs": len(pairs) - len(counted.pairs),
        "pairs": len(pairs),
    }
