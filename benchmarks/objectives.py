"""Every objective and strategy with equal budget on the same real tasks, beside BM25, popularity and the like.

python -m benchmarks.objectives --data FOLDER [--seeds 3] [--jobs 2] [--only TASK ...] [--quick]
"""

import argparse
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.banking77_data import banking77
from benchmarks.comparison import Arena, baseline_rows, merged, train_rows
from benchmarks.interaction_tasks import GRADED, METHODS, SHORT, Settings
from benchmarks.label_baselines import commonest, commonest_by, linear_tf_idf
from benchmarks.lexical import bm25
from benchmarks.movielens import BASE as MOVIELENS
from benchmarks.movielens import STATIC
from benchmarks.movielens_data import MISSING, load_movielens
from benchmarks.objectives_preamble import PREAMBLE
from benchmarks.online_retail import EXAMPLE
from benchmarks.report import Row, add_rows, rows_of
from benchmarks.text_methods import BANKING, JUDGED, MEDQUAD, MINILM, MINILM_PAIRS, NOISE_LEVELS, SYNOPSIS, TAGS, TAUGHT
from benchmarks.text_runs import Run, marks, task_of, text_rows
from bundle.config import validate_config
from training.config import TrainConfig
from training.dataset import load_dataset
from training.splits.leave_last_out import LeaveLastOutSplit


@dataclass(frozen=True)
class Budget:
    """How much is run. `quick` takes the first method of each task."""

    data: Path
    seeds: int
    jobs: int
    quick: bool

    def of(self, methods: Mapping[str, Settings]) -> dict[str, Settings]:
        """The methods that take part."""
        return dict(list(methods.items())[:1]) if self.quick else dict(methods)


def movielens(budget: Budget) -> list[Row]:
    """MovieLens-100K, leave-last-out: towers with history."""
    arena = _movielens_arena({"trainer": {"epochs": 4, "batch_size": 1024, "refit": "none"}})
    return _interaction_rows(arena, budget, METHODS) if arena else []


def movielens_by_user(budget: Budget) -> list[Row]:
    """The same without history, one example a user: objectives that read grades."""
    trainer = {"epochs": 20, "batch_size": 64, "refit": "none"}
    arena = _movielens_arena(merged(STATIC, {"examples": {"kind": "query", "positives": 8}, "trainer": trainer}))
    return train_rows(arena, budget.of(GRADED), budget.seeds, budget.jobs) if arena else []


def _movielens_arena(over: Mapping[str, Any]) -> Arena | None:
    loaded = load_movielens()
    if loaded is None:
        print(MISSING)
        return None
    split = LeaveLastOutSplit().split(loaded.dataset)
    return Arena("movielens-100k", loaded.dataset, merged(MOVIELENS, over), split)


def online_retail(budget: Budget) -> list[Row]:
    """Online Retail, split by time: the shipped example."""
    base: dict[str, Any] = tomllib.loads((EXAMPLE / "train.toml").read_text())
    base.pop("quantizer", None)
    base = merged(base, {"trainer": {"epochs": 2, "refit": "none"}})
    config = validate_config(TrainConfig, base, "train.toml")
    dataset = load_dataset(config.data, EXAMPLE)
    arena = Arena("online-retail", dataset, base, config.split.split(dataset))
    return _interaction_rows(arena, budget, {name: METHODS[name] for name in SHORT})


def _interaction_rows(arena: Arena, budget: Budget, methods: Mapping[str, Settings]) -> list[Row]:
    baselines = [] if budget.quick else baseline_rows(arena, budget.seeds, decay=0.5)
    return [*baselines, *train_rows(arena, budget.of(methods), budget.seeds, budget.jobs)]


def synopsis(budget: Budget) -> list[Row]:
    """Debian synopsis -> description, bag towers."""
    runs = _runs(budget, SYNOPSIS, hybrid=("bag-softmax",))
    return [
        *_lexical_rows("debian-synopsis", budget),
        *_text_rows("debian-synopsis", budget, runs),
    ]


def minilm(budget: Budget) -> list[Row]:
    """Debian synopsis -> description, MiniLM as it is and fine-tuned."""
    frozen = merged(MINILM, {"pretrained": {"minilm": {"projection": "none", "freeze": True}}})
    runs = [Run("minilm-zero-shot", frozen, 0, pairs=480, hybrid=True)]
    seeds = range(0 if budget.quick else budget.seeds)
    runs += [Run("minilm-fine-tuned", MINILM, seed, pairs=MINILM_PAIRS, hybrid=True) for seed in seeds]
    return _text_rows("debian-synopsis", budget, runs)


def synthetic(budget: Budget) -> list[Row]:
    """Debian synopsis -> description with few real pairs and 0, 1, 3 and 10 extracted queries a document."""
    counts = SYNTHETIC[:1] if budget.quick else SYNTHETIC
    runs = [
        Run(f"bag-{FEW_PAIRS}-pairs-synthetic-{count}", {}, seed, pairs=FEW_PAIRS, synthetic=count)
        for count in counts
        for seed in range(budget.seeds)
    ]
    return _text_rows("debian-synopsis", budget, runs)


def tags(budget: Budget) -> list[Row]:
    """Debian description -> tags."""
    rows = []
    if not budget.quick:
        task = task_of("debian-tags", budget.data)
        exam = task.exams["test"]
        methods = {
            "commonest": commonest(task, exam),
            "commonest-of-section": commonest_by(task, exam, "section"),
            "tf-idf-linear": linear_tf_idf(task, exam, passes=5),
        }
        rows = [row for name, score in methods.items() for row in rows_of("debian-tags", name, [marks(score, exam)])]
    return [*rows, *_text_rows("debian-tags", budget, _runs(budget, TAGS))]


def questions(budget: Budget) -> list[Row]:
    """MedQuAD -> LiveQA's judged answers."""
    runs = _runs(budget, MEDQUAD, hybrid=("bag-softmax",))
    return [*_lexical_rows("medquad", budget), *_text_rows("medquad", budget, runs)]


def taught(budget: Budget) -> list[Row]:
    """MedQuAD -> LiveQA with BM25 as the teacher."""
    runs = [
        Run(method, settings, seed, judged=JUDGED)
        for method, settings in budget.of(TAUGHT).items()
        for seed in range(budget.seeds)
    ]
    return _text_rows("medquad", budget, runs)


def intents(budget: Budget) -> list[Row]:
    """Banking77 with wrong training labels."""
    rows = []
    for noise in NOISE_LEVELS:
        name = f"banking77-noise-{100 * noise:.0f}"
        task = banking77(budget.data, noise, 0).task
        exam = task.exams["test"]
        lexical = {"bm25": bm25(task.document_texts(exam), task.query_texts(exam.query_rows_Q))}
        lexical["tf-idf-linear"] = linear_tf_idf(task, exam)
        rows += [row for m, score in lexical.items() for row in rows_of(name, m, [marks(score, exam)])]
        runs = [
            Run(method, settings, seed, noise=noise)
            for method, settings in budget.of(BANKING).items()
            for seed in range(budget.seeds)
        ]
        rows += _text_rows(name, budget, runs)
    return rows


def _runs(budget: Budget, methods: Mapping[str, Settings], hybrid: tuple[str, ...] = ()) -> list[Run]:
    return [
        Run(method, settings, seed, hybrid=method in hybrid, widths=CUTS.get(method, ()))
        for method, settings in budget.of(methods).items()
        for seed in range(budget.seeds)
    ]


def _text_rows(name: str, budget: Budget, runs: list[Run]) -> list[Row]:
    return text_rows(name, budget.data, runs, budget.jobs)


def _lexical_rows(name: str, budget: Budget) -> list[Row]:
    task = task_of(name, budget.data)
    exam = task.exams["test"]
    score = bm25(task.document_texts(exam), task.query_texts(exam.query_rows_Q))
    return rows_of(name, "bm25", [marks(score, exam)])


SYNTHETIC, FEW_PAIRS = (0, 1, 3, 10), 6000
CUTS = {"bag-softmax": (16,), "bag-matryoshka": (64, 32, 16)}
PARTS: Mapping[str, Callable[[Budget], list[Row]]] = {
    "movielens": movielens,
    "movielens-by-user": movielens_by_user,
    "online-retail": online_retail,
    "synopsis": synopsis,
    "minilm": minilm,
    "tags": tags,
    "medquad": questions,
    "medquad-teacher": taught,
    "banking77": intents,
    "synthetic": synthetic,
}


def main() -> None:
    """Measure, and add the rows of each part to docs/benchmarks/objectives.json and .md when it is done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with debian-packages.parquet, medquad, banking77"
    )
    parser.add_argument("--seeds", type=int, default=3, help="training runs a method")
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time, one core each")
    parser.add_argument("--only", nargs="*", choices=PARTS, help="parts to run; their rows replace those in the table")
    parser.add_argument("--quick", action="store_true", help="one method a task, one seed, nothing written")
    arguments = parser.parse_args()
    budget = Budget(arguments.data, 1 if arguments.quick else arguments.seeds, arguments.jobs, arguments.quick)
    for name in arguments.only or PARTS:
        rows = PARTS[name](budget)
        if arguments.quick:
            for row in rows:
                print(f"{row.task:<24} {row.method:<34} {row.metric:<24} {row.value:.4f}")
        elif rows:
            print(f"wrote {add_rows('objectives', rows, PREAMBLE)}", flush=True)


if __name__ == "__main__":
    main()
