"""Debian packages like another one, graded by the tags that people gave to both.

Letters: Q queries, C candidates of each, N packages, F features.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
from sklearn.feature_extraction.text import TfidfVectorizer

from benchmarks.debian_data import FILE, GIVEN_AWAY, word_overlap
from benchmarks.graded_lists import GradedTask
from benchmarks.lexical import bm25
from benchmarks.text_task import needed
from training.click_models.simulate import GradedLists
from training.ragged import FloatArray, IntArray

MAX_GRADE = 3.0
_BEST, _DRAWN, _DEPTH = 5, 5, 100
_STEPS = (0.0, 1 / 3, 2 / 3)
Package = dict[str, Any]


def debian_lists(folder: Path, train_queries: int, test_queries: int) -> GradedTask:
    """Ten candidates of each query package, from its own part and other sources; queries are drawn with seed 0.

    Kept are packages with two tags and more outside the facets role, devel and implemented-in. Candidates: the five
    best of BM25 (synopsis over descriptions), and five drawn from its next 95. The grade is the share of tags that
    both have of those that either has: 0 none, 1 up to a third, 2 up to two thirds, 3 above.
    """
    rng = np.random.default_rng(0)
    parts = [
        _part(folder, part, n_queries, rng) for part, n_queries in (("train", train_queries), ("test", test_queries))
    ]
    grade_QC, score_QC, feature_QCF = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    lists = GradedLists(grade_QC, score_QC, np.ones(grade_QC.shape, dtype=np.bool_), MAX_GRADE)
    test_Q = np.arange(len(grade_QC)) >= len(parts[0][0])
    return GradedTask("debian-tags", lists, feature_QCF, test_Q)


def _part(
    folder: Path, part: str, n_queries: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Grades and logged scores [Q, C], and features [Q, C, F]."""
    packages = _read(folder, part)
    query_Q = np.sort(rng.permutation(len(packages))[:n_queries])
    short, long = ([package[name] for package in packages] for name in ("short_description", "long_description"))
    found_QN = bm25(long, short)(query_Q)
    same_QN = bm25(short, short)(query_Q)
    vectors = TfidfVectorizer(sublinear_tf=True, min_df=2).fit_transform(long)
    cosine_QN = (vectors[query_Q] @ vectors.T).toarray()
    source_N = np.array([package["source"] for package in packages])
    kept, grades, features = [], [], []
    for row, query in enumerate(query_Q.tolist()):
        order_N = np.argsort(-found_QN[row], kind="stable")
        order_N = order_N[source_N[order_N] != source_N[query]][:_DEPTH]
        items = np.append(order_N[:_BEST], rng.choice(order_N[_BEST:], _DRAWN, replace=False))
        given = [scores_QN[row, items] for scores_QN in (found_QN, same_QN, cosine_QN)]
        kept.append(found_QN[row, items])
        grades.append(_grades(packages, query, items))
        features.append(np.column_stack([*given, _described(packages, query, items)]))
    return np.array(grades, np.float32), np.array(kept, np.float32), np.array(features, np.float32)


def _read(folder: Path, part: str) -> list[Package]:
    columns = ["package", "source", "section", "short_description", "long_description", "tags", "depends", "split"]
    table = pyarrow.parquet.read_table(needed(folder / FILE), columns=columns)
    kept = []
    for package in table.to_pylist():
        tags = {tag for tag in package["tags"] or [] if not tag.endswith("TODO")}
        package["tags"] = {tag for tag in tags if tag.split("::")[0] not in GIVEN_AWAY}
        package["depends"] = {name for group in package["depends"] or [] for name in group.split("|")}
        if package["split"] == part and len(package["tags"]) >= 2 and package["long_description"]:
            kept.append(package)
    return kept


def _grades(packages: Sequence[Package], query: int, items: IntArray) -> FloatArray:
    share_C = np.array([_shared(packages[query]["tags"], packages[item]["tags"]) for item in items])
    grade_C: FloatArray = np.sum([share_C > step for step in _STEPS], axis=0).astype(np.float32)
    return grade_C


def _described(packages: Sequence[Package], query: int, items: IntArray) -> FloatArray:
    """What two packages have in common beside tags: section, dependencies, words of name and synopsis, lengths."""
    asked = packages[query]
    rows = [
        (
            item["section"] == asked["section"],
            _shared(asked["depends"], item["depends"]),
            _shared(_pieces(asked["package"]), _pieces(item["package"])),
            word_overlap(asked["short_description"], item["short_description"]),
            word_overlap(item["short_description"], asked["long_description"]),
            np.log1p(len(item["long_description"])),
            np.log1p(len(item["depends"])),
        )
        for item in (packages[place] for place in items.tolist())
    ]
    return np.array(rows, dtype=np.float32)


def _pieces(name: str) -> set[str]:
    return set(re.split(r"[-.+\d]+", name)) - {""}


def _shared(one: set[str], other: set[str]) -> float:
    """The Jaccard index; 0 of two empty sets."""
    return len(one & other) / max(1, len(one | other))
