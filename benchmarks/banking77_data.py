"""Banking77: a bank customer's message -> one of 77 intents, with a share of the training labels made wrong.

Letters: N messages, Q test messages.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.exam import Exam, Found
from benchmarks.text_task import TEXT, Pairs, Task, needed, text_dataset
from training.ragged import BoolArray, IntArray, Ragged

FOLDER = "banking77"
PREAMBLE = """
10,003 training and 3,080 test messages, as given; 77 intents, the text of an intent is its name. A share `noise` of the
training messages, drawn with a seed, gets another intent, drawn evenly from the 76 others; test labels stay as they are
(the published set has label errors of its own). `dev` is a tenth of the training messages, drawn with seed 0 and never
trained on; the epoch is picked on its labels with the noise, as one would have to. recall@1 is the accuracy, and also
its mean over intents: each has 40 test messages.
"""
BASE: dict[str, Any] = {
    "collection": "banking77",
    "data": {"items": "made in memory", "interactions": "made in memory"},
    "split": {"kind": "column"},
    "features": {
        "query": [{"kind": "text", "name": TEXT, "buckets": 16384}],
        "item": [{"kind": "category", "name": "item_id"}, {"kind": "text", "name": TEXT, "buckets": 16384}],
    },
    "dimension": 128,
    "share_text": True,
    "objective": {"kind": "softmax", "temperature": 0.05},
    "negatives": {"kind": "catalogue"},
    "evaluation": {"ks": [1, 5], "exclude_seen": False},
    "trainer": {"epochs": 10, "batch_size": 256, "learning_rate": 3e-3, "schedule": "linear", "metric": "recall@1"},
}


@dataclass(frozen=True)
class NoisyTask:
    """The task, and which of its pairs (rows of the dataset's interactions) have a wrong label on purpose."""

    task: Task
    wrong_N: BoolArray


def banking77(folder: Path, noise: float = 0.0, seed: int = 0) -> NoisyTask:
    """Message -> intent, with `noise` of the training labels wrong; raises BadData when a file is not there."""
    trained, tested = (_read(needed(folder / FOLDER / f"{part}.csv")) for part in ("train", "test"))
    names = sorted({name for _, name in (*trained, *tested)})
    number = {name: row for row, name in enumerate(names)}
    truth_N = np.array([number[name] for _, name in (*trained, *tested)], dtype=np.int64)
    n_train, n_all = len(trained), len(truth_N)
    dev = np.sort(np.random.default_rng(0).permutation(n_train)[: n_train // 10])
    fit = np.setdiff1d(np.arange(n_train), dev)
    label_N = truth_N.copy()
    label_N[:n_train] = wrong_labels(truth_N[:n_train], len(names), noise, seed)
    pairs = Pairs(np.arange(n_all, dtype=np.int64), label_N)
    messages = [message for message, _ in (*trained, *tested)]
    items = {"item_id": names, TEXT: [name.replace("_", " ") for name in names]}
    dataset = text_dataset(items, {"query_id": [str(row) for row in range(n_all)], TEXT: messages}, pairs)
    exams = {
        "dev": _exam(dev, truth_N, len(names)),
        "test": _exam(np.arange(n_train, n_all), truth_N, len(names)),
    }
    split = pairs.split(np.isin(pairs.query_N, fit), np.isin(pairs.query_N, dev))
    task = Task(f"banking77-noise-{noise:.0%}", dataset, split, BASE, PREAMBLE, (1, 5), exams)
    return NoisyTask(task, label_N != truth_N)


def wrong_labels(label_N: IntArray, n_labels: int, noise: float, seed: int) -> IntArray:
    """The labels with `noise` of them (rounded) replaced by another one, drawn evenly from the others."""
    rng, result = np.random.default_rng(seed), label_N.copy()
    chosen = rng.permutation(len(label_N))[: round(noise * len(label_N))]
    result[chosen] = (label_N[chosen] + rng.integers(1, n_labels, len(chosen))) % n_labels
    return result


def _exam(rows: IntArray, truth_N: IntArray, n_labels: int) -> Exam:
    relevant = Ragged(np.arange(len(rows) + 1, dtype=np.int64), truth_N[rows])
    corpus = np.arange(n_labels, dtype=np.int64)
    return Exam(rows.astype(np.int64), corpus, relevant, [Found((1, 5))])


def _read(path: Path) -> Sequence[tuple[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return [(row["text"], row["category"]) for row in csv.DictReader(file)]
