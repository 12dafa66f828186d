"""What a rebuild costs where one item in a hundred changed, beside one that embeds everything.

N items.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.debian_data import debian_synopsis
from benchmarks.parts import Budget, Part
from benchmarks.report import Row
from bundle.config import validate_config
from bundle.progress import NoProgress
from bundle.workspace import Workspace
from index.gates import Gates
from index.rebuild import RebuildConfig, rebuild
from index.rebuild_report import RebuildReport
from training.config import TrainConfig
from training.run import train

COLLECTION, TASK = "debian", "rebuild-debian"
CHANGED_SHARE, TRAINED_ITEMS = 0.01, 1_000
# The first weights and a fitted quantizer: what a rebuild costs does not depend on what the towers learned.
TOWERS: dict[str, list[dict[str, Any]]] = {
    "ngrams": [{"kind": "text", "name": "text"}],
    "minilm": [{"kind": "tokens", "name": "text", "model": "minilm", "max_tokens": 96}],
}
INDEX_ITSELF = ("build ", "measure index recall")
WHOLE_CORPUS = (*INDEX_ITSELF, "encode semantic IDs", "resolve collisions", "name prefixes")


@dataclass
class StepCpu(NoProgress):
    """CPU seconds of the process between start and end of each task."""

    seconds: dict[str, float] = field(default_factory=dict)
    task: str = ""
    started: float = 0.0

    def start(self, task: str, total: int | None) -> None:
        """Take the time."""
        self.task, self.started = task, time.process_time()

    def finish(self) -> None:
        """Add what the task took."""
        self.seconds[self.task] = self.seconds.get(self.task, 0) + time.process_time() - self.started


@dataclass(frozen=True)
class Cost:
    """CPU seconds of one rebuild: of all of it, and of each task."""

    total: float
    by_task: dict[str, float]

    def without(self, tasks: tuple[str, ...]) -> float:
        """Without the tasks whose names begin so."""
        return self.total - sum(cpu for task, cpu in self.by_task.items() if task.startswith(tasks))


def measure(budget: Budget) -> list[Row]:
    """Embedded items and CPU time, for a tower of n-grams and, unless quick, for MiniLM."""
    task = debian_synopsis(budget.data)
    texts = task.document_texts(task.exams["test"])
    rows = []
    for tower in ("ngrams",) if budget.quick else TOWERS:
        with TemporaryDirectory() as folder:
            rows += _measure(Path(folder), tower, texts)
    return rows


def changed(texts: Sequence[str], seed: int = 0) -> list[str]:
    """The texts with one in a hundred made another."""
    rows = set(np.random.default_rng(seed).choice(len(texts), int(len(texts) * CHANGED_SHARE), replace=False).tolist())
    return [f"{text} A new edition." if row in rows else text for row, text in enumerate(texts)]


def _measure(root: Path, tower: str, texts: Sequence[str]) -> list[Row]:
    # A quantizer of few items leaves nothing over for its last level, where rounding then decides between codes.
    _write_items(root, texts if tower == "ngrams" else texts[:TRAINED_ITEMS])
    _train(root, tower)
    _write_items(root, texts)
    full = _rebuild(root)
    _write_items(root, changed(texts))
    rows = []
    for method, (cost, report) in ((f"{tower}-full", full), (f"{tower}-one-percent", _rebuild(root))):
        rows.append(Row(TASK, method, "embedded", report.n_embedded))
        rows.append(Row(TASK, method, "cpu_total", cost.total, unit="s"))
        rows.append(Row(TASK, method, "cpu_embedding", cost.by_task["embed items"], unit="s"))
        for name, tasks in (("index", INDEX_ITSELF), ("whole_corpus", WHOLE_CORPUS)):
            ratio = cost.without(tasks) / full[0].without(tasks)
            rows.append(Row(TASK, method, f"cpu_ratio_beyond_{name}", ratio))
    return rows


def _rebuild(root: Path) -> tuple[Cost, RebuildReport]:
    # Enough changed at once that no limit shall end the measurement.
    gates = Gates(max_changed_neighbours=None, max_semantic_id_churn=None)
    config = RebuildConfig(collection=COLLECTION, items=Path("items.parquet"), gates=gates)
    progress, started = StepCpu(), time.process_time()
    report = rebuild(Workspace(root).collection(COLLECTION), config, progress, base=root)
    return Cost(time.process_time() - started, progress.seconds), report


def _write_items(root: Path, texts: Sequence[str]) -> None:
    ids = [f"p{row:05d}" for row in range(len(texts))]
    pq.write_table(pa.table({"item_id": ids, "text": list(texts)}), root / "items.parquet")


def _train(root: Path, tower: str) -> None:
    pairs = [(f"q{row % 40}", f"p{row:05d}", "train" if row % 10 else "test") for row in range(400)]
    columns = dict(zip(("query_id", "item_id", "split"), map(list, zip(*pairs, strict=True)), strict=True))
    pq.write_table(pa.table(columns), root / "interactions.parquet")
    settings = {
        "collection": COLLECTION,
        "data": {"items": "items.parquet", "interactions": "interactions.parquet"},
        "split": {"kind": "column"},
        "features": {"query": [{"kind": "category", "name": "query_id"}], "item": TOWERS[tower]},
        "trainer": {"epochs": 0},
    }
    if tower == "minilm":
        settings["pretrained"] = {"minilm": {"freeze": True}}
    else:
        settings["quantizer"] = {"kind": "residual"}
    config = validate_config(TrainConfig, settings, tower)
    train(config, root, Workspace(root).collection(COLLECTION), progress=NoProgress())


REBUILD = Part(
    """
    10,708 Debian descriptions, of which one in a hundred gets another text. `full`: the first rebuild, which embeds
    everything; `one-percent`: the next one, which copies the vectors of unchanged items and passes all gates.
    `embedded`: items embedded. CPU time of the process. `cpu_ratio_beyond_index`: the run (reading, hashing, embedding,
    semantic IDs and their names, columns, gates, verification, activation, garbage collection) without building the
    index and measuring its recall, by the same of the full run; `cpu_ratio_beyond_whole_corpus`: also without the
    semantic IDs and their names, which are made of all items in either run. The target is 0.15. Item towers with first
    weights: `ngrams`, hashed n-grams, with a quantizer of 3 x 256 codes; `minilm`, the frozen transformer of 22 M
    parameters over 96 tokens, without one. One run each.
    """,
    measure,
)
