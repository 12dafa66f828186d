"""From tables to a dataset and its split, with items as queries where the configuration makes pairs of items."""

from pathlib import Path

from bundle.features import text_columns
from training.config import TrainConfig
from training.dataset import Dataset, load_dataset
from training.item_dataset import pair_baskets, read_related_items
from training.item_pairs import RelationPairsConfig
from training.splits import Split


def load(config: TrainConfig, base: Path) -> tuple[Dataset, Split]:
    """Read, join and split the tables, whose relative paths count from `base`.

    Baskets are split before their items are paired, so that none counts in two parts. Raises what reading tables,
    splitting and pairing raise.
    """
    texts = text_columns([*config.features.query, *config.features.item])
    pairs = config.data.pairs
    if isinstance(pairs, RelationPairsConfig):
        dataset = read_related_items(config.data, pairs, base, texts)
        return dataset, config.split.split(dataset)
    dataset = load_dataset(config.data, base, texts)
    split = config.split.split(dataset)
    return (dataset, split) if pairs is None else pair_baskets(pairs, dataset, split)
