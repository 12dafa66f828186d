"""German descriptions of Debian packages that ask for English ones, and two encoders for them.

Letters: N packages, Q queries, C documents, D embedding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import torch
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from benchmarks.debian_data import BAG, FILE
from benchmarks.exam import Exam, Found, tower_embeddings
from benchmarks.text_task import TEXT, Pairs, Task, needed, text_dataset
from bundle.config import validate_config
from bundle.progress import NoProgress
from index.hubness.asking import Asking
from index.hubness.bank import NO_ROW
from training.config import TrainConfig
from training.learn import Learner
from training.ragged import FloatArray, IntArray, Ragged

NAME = "debian-german-english"
TRANSLATIONS = "debian-translations.parquet"
GERMAN, ENGLISH = ("short_de", "long_de"), ("short_description", "long_description")
CORPUS, LEAST_CHARACTERS = 6_000, 80
WIDTH, REGRESSION_PAIRS, PENALTY = 256, 2_000, 10.0
PREAMBLE = f"""
`{NAME}`: query = German description, document = English one, of the Debian packages that have both; packages whose
text in either language repeats an earlier one or has under {LEAST_CHARACTERS} characters are dropped, parts by source
package. Corpus: all documents of dev and test and as many of train as make {CORPUS:,}. Two encoders. `regression`: a
ridge regression (penalty {PENALTY:g}, {REGRESSION_PAIRS:,} pairs drawn by the seed) from the first {WIDTH} latent
dimensions of the German words to those of the English ones; regression draws queries to the middle, which makes hubs.
`tower`: this product's bag-of-words dual encoder with a table for each language, two epochs over the pairs of train
with the softmax of its batches, which makes few.
"""
BASE: dict[str, Any] = {
    **BAG,
    "collection": NAME,
    "share_text": False,
    "objective": {"kind": "softmax", "temperature": 0.05},
    "negatives": {"kind": "in_batch"},
    "trainer": {"epochs": 2, "batch_size": 256, "learning_rate": 3e-3, "schedule": "linear"},
}


@dataclass(frozen=True)
class Embedded:
    """Unit vectors of the documents, and of the queries of two parts with the place of the document of each."""

    document_CD: FloatArray
    bank: Asking
    test: Asking


def german_english(data: Path) -> Task:
    """The task, with the exams `dev` and `test` over one corpus; raises BadData when a file is not there."""
    columns = ["package", *ENGLISH, "split"]
    packages = pyarrow.parquet.read_table(needed(data / FILE), columns=columns)
    german = pyarrow.parquet.read_table(needed(data / TRANSLATIONS), columns=["package", *GERMAN])
    rows = packages.join(german, "package", join_type="inner").sort_by("package").to_pylist()
    texts = [tuple("\n".join(row[name] or "" for name in names) for names in (GERMAN, ENGLISH)) for row in rows]
    kept = distinct(texts)
    names, part_N = [rows[i]["package"] for i in kept], np.array([rows[i]["split"] for i in kept])
    places = np.arange(len(kept), dtype=np.int64)
    pairs = Pairs(places, places)
    dataset = text_dataset(
        {"item_id": names, TEXT: [texts[i][1] for i in kept]},
        {"query_id": names, TEXT: [texts[i][0] for i in kept]},
        pairs,
    )
    train, dev, test = (np.flatnonzero(part_N == part) for part in ("train", "dev", "test"))
    n_filling = max(0, min(CORPUS - len(dev) - len(test), len(train)))
    filling = np.random.default_rng(0).choice(train, n_filling, replace=False)
    corpus_C = np.sort(np.concatenate([dev, test, filling]))
    exams = {name: _exam(rows_Q, corpus_C) for name, rows_Q in (("dev", dev), ("test", test))}
    return Task(NAME, dataset, pairs.split(part_N == "train"), BASE, PREAMBLE, (1, 10), exams)


def distinct(texts: Sequence[tuple[str, ...]]) -> list[int]:
    """Places of the entries whose texts are all long enough and all new."""
    seen: list[set[str]] = [set() for _ in texts[0]]
    kept = []
    for place, entry in enumerate(texts):
        is_new = not any(text in old for text, old in zip(entry, seen, strict=True))
        if is_new and min(map(len, entry)) >= LEAST_CHARACTERS:
            kept.append(place)
        for text, old in zip(entry, seen, strict=True):
            old.add(text)
    return kept


def by_tower(task: Task, seed: int, epochs: int = 2) -> Embedded:
    """Train a dual encoder and embed with it."""
    torch.set_num_threads(1)
    settings = {**task.base, "trainer": {**task.base["trainer"], "seed": seed, "epochs": epochs}}
    learned = Learner(validate_config(TrainConfig, settings, NAME), task.dataset, task.split, NoProgress()).learn()
    bank_QD, document_CD = tower_embeddings(learned, task.dataset, task.exams["dev"])
    test_QD, _ = tower_embeddings(learned, task.dataset, task.exams["test"])
    return Embedded(document_CD, _asking(bank_QD, task.exams["dev"]), _asking(test_QD, task.exams["test"]))


def by_regression(task: Task, seed: int) -> Embedded:
    """Fit latent dimensions of both languages and the map between them, and embed with it."""
    train_N = task.split.train_N
    rows_N = np.arange(len(task.dataset.items))
    german_ND = _latent(task.query_texts(rows_N), train_N, seed)
    english_ND = _latent([str(record[TEXT]) for record in task.dataset.items.records([TEXT])], train_N, seed)
    paired = np.random.default_rng(seed).choice(train_N, min(REGRESSION_PAIRS, len(train_N)), replace=False)
    known_ND, wanted_ND = german_ND[paired], english_ND[paired]
    map_DD = np.linalg.solve(known_ND.T @ known_ND + PENALTY * np.eye(german_ND.shape[1]), known_ND.T @ wanted_ND)
    query_ND, (dev, test) = _unit(german_ND @ map_DD), (task.exams["dev"], task.exams["test"])
    askings = [_asking(query_ND[exam.query_rows_Q], exam) for exam in (dev, test)]
    return Embedded(english_ND[test.item_rows_C], *askings)


def _asking(query_QD: FloatArray, exam: Exam) -> Asking:
    return Asking(query_QD, np.full(len(exam), NO_ROW), exam.relevant.values_V, "table")


def _latent(texts: Sequence[str], train_N: IntArray, seed: int) -> FloatArray:
    known = [texts[row] for row in train_N]
    words = TfidfVectorizer(sublinear_tf=True, min_df=2, dtype=np.float32).fit(known)
    width = min(WIDTH, len(words.vocabulary_) - 1)
    latent = TruncatedSVD(width, random_state=seed).fit(words.transform(known))
    return _unit(latent.transform(words.transform(texts)))


def _unit(vectors_ND: FloatArray) -> FloatArray:
    norm_N1 = np.linalg.norm(vectors_ND, axis=1, keepdims=True)
    return np.asarray(vectors_ND / np.where(norm_N1 > 0, norm_N1, 1), dtype=np.float32)


def _exam(rows_Q: IntArray, corpus_C: IntArray) -> Exam:
    relevant = Ragged(np.arange(len(rows_Q) + 1, dtype=np.int64), np.searchsorted(corpus_C, rows_Q))
    return Exam(rows_Q, corpus_C, relevant, [Found((1, 10))])
