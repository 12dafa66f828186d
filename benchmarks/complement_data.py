"""Two complement tasks: the packages that Debian recommends beside one, and what is bought together later.

Letters: P pairs.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.comparison import merged
from benchmarks.debian_data import FILE
from benchmarks.text_task import TEXT, needed
from bundle.config import validate_config
from training.config import TrainConfig
from training.dataset import Dataset
from training.load import load
from training.splits import Split

ONLINE_RETAIL = Path(__file__).parents[1] / "examples" / "online-retail"
N_CANDIDATES = 25_000
_BY_TEXT = {"kind": "text", "name": TEXT, "buckets": 32768, "max_words": 48}
_BY_ID = {"kind": "category", "name": "item_id"}
_NEVER_SEEN_EXCLUDED = {"ks": [10, 20], "exclude_seen": False}
DEBIAN: Mapping[str, Any] = {
    "collection": "debian-complements",
    "data": {"items": "items.parquet", "relations": "relations.parquet", "pairs": {"source": "relations"}},
    "split": {"kind": "column"},
    "features": {"query": [_BY_TEXT], "item": [_BY_ID, _BY_TEXT]},
    "dimension": 64,
    "share_text": True,
    "evaluation": _NEVER_SEEN_EXCLUDED,
    "trainer": {"epochs": 4, "batch_size": 512, "learning_rate": 5e-3, "metric": "recall@20", "schedule": "linear"},
}
RETAIL: Mapping[str, Any] = {
    "collection": "online-retail-complements",
    "data": {
        "items": "items.parquet",
        "interactions": "interactions.parquet",
        "pairs": {"source": "baskets", "by": ["basket"], "min_count": 5},
    },
    "split": {"kind": "time", "validation_from": None, "test_from": "2011-11-21"},
    "features": {"query": [_BY_ID], "item": [_BY_ID]},
    "dimension": 64,
    "evaluation": _NEVER_SEEN_EXCLUDED,
    "trainer": {"epochs": 3, "batch_size": 1024, "learning_rate": 2e-2, "metric": "recall@20", "schedule": "linear"},
}


@dataclass(frozen=True)
class ComplementTask:
    """Pairs of items, split; `texts` are those of the items by row, `base` what a method's settings lie over."""

    name: str
    dataset: Dataset
    split: Split
    texts: Sequence[str]
    base: Mapping[str, Any]

    def config(self, settings: Mapping[str, Any], seed: int) -> TrainConfig:
        """The configuration of a method."""
        return validate_config(TrainConfig, merged(merged(self.base, settings), {"trainer": {"seed": seed}}), self.name)


def debian_complements(data: Path, folder: Path) -> ComplementTask:
    """Package -> recommended and suggested packages of other sources; the tables are written into `folder`."""
    columns = ["package", "source", "split", "recommends", "suggests", "short_description", "long_description"]
    packages = pq.read_table(needed(data / FILE), columns=columns).to_pylist()
    relations = stated(packages)
    paired = {row["item_id"] for row in relations} | {row["related_id"] for row in relations}
    names = [package["package"] for package in packages]
    others = sorted((name for name in names if name not in paired), key=lambda name: (zlib.crc32(name.encode()), name))
    chosen = paired | set(others[: max(0, N_CANDIDATES - len(paired))])
    kept = [package for package in packages if package["package"] in chosen]
    texts = [f"{package['short_description']}\n{package['long_description'] or ''}" for package in kept]
    pq.write_table(
        pa.table({"item_id": [package["package"] for package in kept], TEXT: texts}), folder / "items.parquet"
    )
    pq.write_table(pa.Table.from_pylist(relations), folder / "relations.parquet")
    return _task("debian-complements", DEBIAN, folder, TEXT)


def stated(packages: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The recommended and suggested packages of other sources that are in the file, once a pair; the query's part."""
    source = {package["package"]: package["source"] for package in packages}
    pairs: dict[tuple[str, str], dict[str, str]] = {}
    for package in packages:
        name = package["package"]
        for relation in ("recommends", "suggests"):
            for other in (one for group in package[relation] or [] for one in group.split("|")):
                if source.get(other, package["source"]) != package["source"]:
                    row = {"item_id": name, "related_id": other, "relation": relation, "split": package["split"]}
                    pairs.setdefault((name, other), row)
    return list(pairs.values())


def retail_complements() -> ComplementTask:
    """Item -> what is in a basket with it in the last three weeks."""
    return _task("online-retail-complements", RETAIL, ONLINE_RETAIL, "description")


def _task(name: str, base: Mapping[str, Any], folder: Path, column: str) -> ComplementTask:
    dataset, split = load(validate_config(TrainConfig, base, name), folder)
    texts = [text or "" for text in dataset.items.table[column].to_pylist()]
    return ComplementTask(name, dataset, split, texts, base)
