"""Queries by examples against averages of vectors: packages that have two tags, either, or one and not the other.

Letters: N packages, T tags, P pairs of tags, D embedding.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow.parquet

from benchmarks.debian_data import FILE, GIVEN_AWAY, debian_synopsis
from benchmarks.exam import corpus_of
from benchmarks.parts import Budget, Part
from benchmarks.report import Row, rows_of
from benchmarks.text_task import needed
from benchmarks.text_vectors import minilm_vectors
from index.example_sets import example_set
from training.ragged import BoolArray, FloatArray

TASK, K = "debian-tags", 10
LEAST_TAGGED, LEAST_RELEVANT, PENALTY, MAX_TOKENS = 40, 10, 1.0, 96
PROTOCOL = f"""
`{TASK}`: frozen MiniLM vectors of Debian descriptions that have a tag of another facet than {", ".join(GIVEN_AWAY)};
tags of {LEAST_TAGGED} packages or more. A query is a pair of tags A and B of different facets, each given as one
record, and wants the packages with A and B (`all-of`), with A or B (`any-of`), or with A and not B (`none-of`); where
under {LEAST_RELEVANT} packages are wanted it is left out. precision@{K} is a lower bound, because an absent tag is
unknown. `text`: the vector of a tag is that of its words. `learned`: it comes from one half of the packages by ridge
regression (penalty {PENALTY:g}), and the other half is searched; seeds are halves. `examples`: the served operators,
least score, largest score, and B projected out of A. `average`: the sum of both vectors, or A less B. `first-alone`: A
without regard to B. `random`: the share of wanted packages.
"""


@dataclass(frozen=True)
class Tagged:
    """Unit vectors of packages and of tags, and which package has which."""

    package_ND: FloatArray
    tag_TD: FloatArray
    has_NT: BoolArray
    facet_T: Sequence[str]


def by_text(data: Path, cache: Path) -> Tagged:
    """Packages with tags by the vectors of their words."""
    task = debian_synopsis(data)
    exam = task.exams["test"]
    table = pyarrow.parquet.read_table(needed(data / FILE), columns=["package", "tags"]).to_pydict()
    tags_of = dict(zip(table["package"], table["tags"], strict=True))
    tags = [kept_tags(tags_of[name] or []) for name in corpus_of(task.dataset, exam).item_ids]
    kept = [row for row, some in enumerate(tags) if some]
    counted = np.unique([tag for some in tags for tag in some], return_counts=True)
    names = [str(tag) for tag, count in zip(*counted, strict=True) if count >= LEAST_TAGGED]
    return Tagged(
        minilm_vectors(task.document_texts(exam), cache, MAX_TOKENS)[kept],
        minilm_vectors([words(name) for name in names], cache, MAX_TOKENS),
        np.array([[name in tags[row] for name in names] for row in kept]),
        [name.split("::")[0] for name in names],
    )


def kept_tags(tags: Sequence[str]) -> set[str]:
    """The tags that say what a package is about and are no place-holders."""
    return {tag for tag in tags if not tag.endswith("TODO") and tag.split("::")[0] not in GIVEN_AWAY}


def words(tag: str) -> str:
    """The words of a tag: `works-with::image:raster` reads 'works with image raster'."""
    return " ".join(tag.replace("::", " ").replace(":", " ").replace("-", " ").split())


def learned(text: Tagged, seed: int) -> Tagged:
    """The tags' directions in the vectors of one half of the packages, and the other half."""
    order_N = np.random.default_rng(seed).permutation(len(text.package_ND))
    known, asked = order_N[: len(order_N) // 2], order_N[len(order_N) // 2 :]
    known_ND, has_NT = text.package_ND[known], text.has_NT[known].astype(np.float64)
    penalty_DD = PENALTY * np.eye(known_ND.shape[1])
    tag_DT = np.linalg.solve(known_ND.T @ known_ND + penalty_DD, known_ND.T @ (has_NT - has_NT.mean(axis=0)))
    tag_TD = (tag_DT / np.linalg.norm(tag_DT, axis=0)).T.astype(np.float32)
    return replace(text, package_ND=text.package_ND[asked], tag_TD=tag_TD, has_NT=text.has_NT[asked])


def measured(tagged: Tagged) -> dict[str, dict[str, float]]:
    """Mean precision over the pairs of tags, by method and operation."""
    found: dict[str, dict[str, list[float]]] = {}
    for operation, a, b, is_wanted_N in wanted(tagged):
        for method, score_N in scores(operation, tagged.tag_TD[[a]], tagged.tag_TD[[b]], tagged.package_ND).items():
            best_K = np.argpartition(-score_N, K)[:K]
            found.setdefault(method, {}).setdefault(operation, []).append(float(is_wanted_N[best_K].mean()))
        found.setdefault("random", {}).setdefault(operation, []).append(float(is_wanted_N.mean()))
    return {
        method: {f"precision@{K} {operation}": float(np.mean(values)) for operation, values in marks.items()}
        for method, marks in found.items()
    }


def wanted(tagged: Tagged) -> Iterator[tuple[str, int, int, BoolArray]]:
    """Every operation on every pair of tags, with the packages that it wants."""
    n_tags = len(tagged.facet_T)
    for a, b in ((a, b) for a in range(n_tags) for b in range(n_tags) if tagged.facet_T[a] != tagged.facet_T[b]):
        has_a_N, has_b_N = tagged.has_NT[:, a], tagged.has_NT[:, b]
        both_N = has_a_N & has_b_N
        if both_N.sum() < LEAST_RELEVANT:
            continue
        if a < b:
            yield "all-of", a, b, both_N
            yield "any-of", a, b, has_a_N | has_b_N
        if (has_a_N & ~has_b_N).sum() >= LEAST_RELEVANT:
            yield "none-of", a, b, has_a_N & ~has_b_N


def scores(operation: str, a_1D: FloatArray, b_1D: FloatArray, package_ND: FloatArray) -> dict[str, FloatArray]:
    """Scores [N] of the packages by every method."""
    nothing, both_2D = a_1D[:0], np.concatenate([a_1D, b_1D])
    parts = {
        "all-of": (both_2D, nothing, nothing),
        "any-of": (nothing, both_2D, nothing),
        "none-of": (a_1D, nothing, b_1D),
    }
    average_D = a_1D[0] - b_1D[0] if operation == "none-of" else a_1D[0] + b_1D[0]
    return {
        "examples": example_set(*parts[operation], np.empty(0, dtype=np.int64), operation).scores(package_ND),
        "average": package_ND @ average_D,
        "first-alone": package_ND @ a_1D[0],
    }


def measure(budget: Budget) -> list[Row]:
    """Rows of every method, for both kinds of vectors of tags."""
    text = by_text(budget.data, budget.cache)
    runs: Mapping[str, list[dict[str, dict[str, float]]]] = {
        f"{TASK}-text": [measured(text)],
        f"{TASK}-learned": [measured(learned(text, seed)) for seed in range(budget.seeds)],
    }
    return [
        row
        for task, measures in runs.items()
        for method in measures[0]
        for row in rows_of(task, method, [one[method] for one in measures])
    ]


SET_OPERATIONS = Part(PROTOCOL, measure)
