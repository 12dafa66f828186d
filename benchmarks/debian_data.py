"""Two tasks on Debian's package metadata: synopsis -> description, and description -> tags.

The file is `debian-packages.parquet`; no source package stands in two of its parts.

Letters: N packages kept, Q queries.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
from numpy.typing import NDArray

from benchmarks.exam import Exam, Found, FoundByGroup, Measure, Tagged
from benchmarks.text_task import TEXT, Pairs, Task, needed, text_dataset
from training.propensity import PropensityConfig
from training.ragged import BoolArray, IntArray, Ragged

FILE = "debian-packages.parquet"
SYNOPSIS = """
Debian 12, query = short description, document = long description, nothing masked. Packages whose short or long
description repeats an earlier one are dropped (first the short ones, then the long ones), then documents under 80 and
queries under 10 characters: 46,516 train, 5,616 dev and 5,708 test packages, by source package. Corpus: 10,708
documents, all of test and 2,500 each of dev and train; 2,000 test queries. Training pairs come from train only. `dev`
is the same with the parts of dev and test exchanged, without test. The samples are drawn with seed 0, and BM25 is a
little lower on them than on most others (recall@10 .849; .845 to .869 over 20 samples). The standard error of
recall@10 is .008. `least overlap`: the quarter of the test queries of which the smallest share of words stands in the
document.
"""
TAGS = """
Debian 12, query = short and long description, labels = debtags, label text = the tag itself, TODO place-holders
dropped. Parts by source package. An absent tag is unknown, not wrong, so precision is a lower bound. PSP: propensity
model of Jain et al. with A .55, B 1.5. Bands: how often training has the label. `other facets`: without the facets
role, devel and implemented-in, which the name of a package nearly gives away.
"""
BAG: dict[str, Any] = {
    "data": {"items": "made in memory", "interactions": "made in memory"},
    "split": {"kind": "column"},
    "features": {"query": [{"kind": "text", "name": TEXT}], "item": [{"kind": "text", "name": TEXT}]},
    "dimension": 128,
    "share_text": True,
}
SYNOPSIS_BASE: dict[str, Any] = {
    **BAG,
    "collection": "debian-synopsis",
    "objective": {"kind": "softmax", "temperature": 0.05},
    "negatives": {"kind": "in_batch"},
    "trainer": {"epochs": 3, "batch_size": 512, "learning_rate": 3e-3, "schedule": "linear"},
}
TAGS_BASE: dict[str, Any] = {
    **BAG,
    "collection": "debian-tags",
    "features": {
        "query": [{"kind": "text", "name": TEXT}],
        "item": [{"kind": "category", "name": "item_id"}, {"kind": "text", "name": TEXT}],
    },
    "objective": {"kind": "decoupled_softmax", "temperature": 0.1},
    "negatives": {"kind": "catalogue"},
    "examples": {"kind": "query"},
    "query_tower": {"dropout": 0.3},
    "evaluation": {"ks": [1, 3, 5, 10], "exclude_seen": False},
    "trainer": {"epochs": 5, "batch_size": 512, "learning_rate": 5e-3, "schedule": "linear"},
}
BANDS = (("100+", 100), ("10-99", 10), ("under 10", 0))
GIVEN_AWAY = ("role", "devel", "implemented-in")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class _Packages:
    """Columns of the packages that were kept."""

    name: list[str]
    short: list[str]
    long: list[str]
    section: list[str]
    tags: list[list[str]]
    part_N: NDArray[np.str_]

    def rows(self, part: str) -> IntArray:
        return np.flatnonzero(self.part_N == part).astype(np.int64)


def debian_synopsis(folder: Path) -> Task:
    """Short description -> long description, over 10,708 documents; raises BadData when the file is not there."""
    packages = _distinct(_read(folder))
    rows = np.arange(len(packages.name), dtype=np.int64)
    pairs = Pairs(rows, rows)
    queries = {"query_id": packages.name, TEXT: packages.short}
    dataset = text_dataset({"item_id": packages.name, TEXT: packages.long}, queries, pairs)
    train, dev, test = (packages.rows(part) for part in ("train", "dev", "test"))
    rng = np.random.default_rng(0)
    corpus = np.sort(np.concatenate([test, _sample(rng, dev, 2500), _sample(rng, train, 2500)]))
    test_Q = np.sort(_sample(rng, test, 2000))
    dev_corpus = np.sort(np.concatenate([dev, _sample(rng, train, len(corpus) - len(dev))]))
    exams = {
        "dev": _synopsis_exam(packages, np.sort(_sample(rng, dev, 2000)), dev_corpus),
        "test": _synopsis_exam(packages, test_Q, corpus),
    }
    split = pairs.split(packages.part_N == "train")
    return Task("debian-synopsis", dataset, split, SYNOPSIS_BASE, SYNOPSIS, (1, 10), exams)


def _sample(rng: np.random.Generator, rows: IntArray, size: int) -> IntArray:
    drawn: IntArray = rng.choice(rows, min(size, len(rows)), replace=False)
    return drawn


def _synopsis_exam(packages: _Packages, query_Q: IntArray, corpus: IntArray) -> Exam:
    relevant = Ragged(np.arange(len(query_Q) + 1, dtype=np.int64), np.searchsorted(corpus, query_Q))
    overlap_Q = np.array([word_overlap(packages.short[row], packages.long[row]) for row in query_Q])
    least = np.sort(np.argsort(overlap_Q, kind="stable")[: len(query_Q) // 4])
    return Exam(query_Q, corpus, relevant, [Found((1, 10, 100))], {"least overlap": least})


def word_overlap(query: str, document: str) -> float:
    """Share of the query's distinct words that stand in the document, whatever their case."""
    words = set(_WORD.findall(query.lower()))
    return len(words & set(_WORD.findall(document.lower()))) / max(1, len(words))


def debian_tags(folder: Path) -> Task:
    """Description -> tags; raises BadData when the file is not there."""
    packages = _tagged(_read(folder))
    labels = sorted({tag for tags in packages.tags for tag in tags})
    number = {label: row for row, label in enumerate(labels)}
    query_N = np.repeat(np.arange(len(packages.name)), [len(tags) for tags in packages.tags]).astype(np.int64)
    pairs = Pairs(query_N, np.array([number[tag] for tags in packages.tags for tag in tags], dtype=np.int64))
    texts = [f"{short}\n{long}" for short, long in zip(packages.short, packages.long, strict=True)]
    queries = {"query_id": packages.name, TEXT: texts, "section": packages.section}
    dataset = text_dataset({"item_id": labels, TEXT: labels}, queries, pairs)
    part_N = packages.part_N[query_N]
    train_N = part_N == "train"
    count_C = np.bincount(pairs.item_N[train_N], minlength=len(labels))
    train = _Training(labels, count_C, int((packages.part_N == "train").sum()))
    other_N = np.array([label.split("::")[0] not in GIVEN_AWAY for label in labels])[pairs.item_N]
    exams = {
        "dev": _tag_exam(pairs, part_N == "dev", train),
        "test": _tag_exam(pairs, part_N == "test", train),
        "other facets": _tag_exam(pairs, (part_N == "test") & other_N, train),
    }
    split = pairs.split(train_N, part_N == "dev")
    return Task("debian-tags", dataset, split, TAGS_BASE, TAGS, (1, 3, 5), exams)


@dataclass(frozen=True)
class _Training:
    labels: Sequence[str]
    count_C: IntArray
    n_queries: int


def _tag_exam(pairs: Pairs, keep_N: BoolArray, train: _Training) -> Exam:
    """Queries with a kept pair, over the labels of the facets that the kept pairs have."""
    query_Q, row_V = np.unique(pairs.query_N[keep_N], return_inverse=True)
    facets = {train.labels[row].split("::")[0] for row in pairs.item_N[keep_N]}
    corpus = np.array([row for row, label in enumerate(train.labels) if label.split("::")[0] in facets], dtype=np.int64)
    relevant = Ragged.group_unique(row_V, np.searchsorted(corpus, pairs.item_N[keep_N]), len(query_Q))
    count_V = train.count_C[corpus[relevant.values_V]]
    weight_V = PropensityConfig().weights(train.count_C, train.n_queries)[corpus[relevant.values_V]]
    group_V = np.select([count_V >= least for _, least in BANDS], range(len(BANDS)))
    measures: list[Measure] = [
        Tagged(weight_V.astype(np.float32), (1, 3, 5)),
        Found((5, 10)),
        FoundByGroup([name for name, _ in BANDS], group_V, 5),
    ]
    return Exam(query_Q, corpus, relevant, measures)


def _read(folder: Path) -> _Packages:
    columns = ["package", "short_description", "long_description", "section", "tags", "split"]
    table = pyarrow.parquet.read_table(needed(folder / FILE), columns=columns).to_pydict()
    short, long = ([text or "" for text in table[name]] for name in columns[1:3])
    tags = [[tag for tag in row or [] if not tag.endswith("TODO")] for row in table["tags"]]
    return _Packages(table["package"], short, long, table["section"], tags, np.array(table["split"]))


def _distinct(packages: _Packages) -> _Packages:
    kept = _first(packages.short, range(len(packages.name)))
    kept = _first(packages.long, kept)
    return _take(packages, [row for row in kept if len(packages.long[row]) >= 80 and len(packages.short[row]) >= 10])


def _first(texts: Sequence[str], rows: Iterable[int]) -> list[int]:
    """Those of `rows` whose text is not that of an earlier one."""
    first: dict[str, int] = {}
    for row in rows:
        first.setdefault(texts[row], row)
    return list(first.values())


def _tagged(packages: _Packages) -> _Packages:
    return _take(packages, [row for row, tags in enumerate(packages.tags) if tags])


def _take(packages: _Packages, rows: Sequence[int]) -> _Packages:
    columns = packages.name, packages.short, packages.long, packages.section
    name, short, long, section = ([column[row] for row in rows] for column in columns)
    return _Packages(name, short, long, section, [packages.tags[row] for row in rows], packages.part_N[list(rows)])
