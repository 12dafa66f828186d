"""E1 to E12: small worlds whose truth is known, in which each method must do what it is for.

python -m benchmarks.acceptance [--seeds 3] [--jobs 2] [--only e4 e6] [--quick]
"""

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import torch

from benchmarks.experiments.contract import Experiment, Measured, Summary
from benchmarks.experiments.false_negatives import E7
from benchmarks.experiments.gradient_cache_memory import E11
from benchmarks.experiments.many_positives import E2, E3
from benchmarks.experiments.noisy_pairs import E6
from benchmarks.experiments.one_positive import E1, E5, E10
from benchmarks.experiments.one_threshold import E4
from benchmarks.experiments.small_budget import E12
from benchmarks.experiments.teachers import E8, E9
from benchmarks.report import Row, write_benchmark

EXPERIMENTS: Sequence[Experiment] = (E1, E2, E3, E4, E5, E6, E7, E8, E9, E10, E11, E12)
QUICK = ("e1", "e4", "e8")
PREAMBLE = """
Synthetic worlds: 16 latent topics; items mix them, queries are noisy copies of items drawn by Zipf popularity, seen in
another basis; towers are two-layer networks over what is seen. Test queries are others than training queries. Every
experiment has a condition that was fixed before the run below; the settings were tuned with seed 0 in sight, mostly to
make a world hard enough to tell methods apart. `holds` is 1 where the condition is met by the means over the seeds.

What E2, E3, E4, E7 and E12 ask of their worlds, and every setting, stands in `benchmarks/experiments/`.
"""


def main() -> None:
    """Measure and write docs/benchmarks/acceptance.json and .md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="runs an experiment")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time, one core each")
    parser.add_argument("--only", nargs="*", help="experiments, such as e4; nothing is written")
    parser.add_argument("--quick", action="store_true", help="three experiments, one seed, nothing written")
    arguments = parser.parse_args()
    wanted = QUICK if arguments.quick else arguments.only
    chosen = [e for e in EXPERIMENTS if wanted is None or e.name.split("-")[0] in wanted]
    seeds = 1 if arguments.quick else arguments.seeds
    rows: list[Row] = []
    conditions = []
    with ProcessPoolExecutor(arguments.jobs, get_context("spawn")) as pool:
        tasks = [(experiment.name, seed) for experiment in chosen for seed in range(seeds)]
        runs = dict(zip(tasks, pool.map(_run, tasks), strict=True))
    for experiment in chosen:
        summary = Summary.of([runs[experiment.name, seed] for seed in range(seeds)])
        holds = experiment.holds(summary)
        print(f"{experiment.name:<24} {'holds' if holds else 'DOES NOT HOLD'}: {experiment.condition}", flush=True)
        rows += _rows(experiment.name, summary, seeds, holds)
        conditions.append(f"- **{experiment.name}**: {experiment.condition}. {'Met' if holds else 'Not met'}.")
    if wanted is not None:
        for row in rows:
            print(f"{row.task:<24} {row.method:<40} {row.metric:<20} {row.value:.4f}")
        return
    print(f"wrote {write_benchmark('acceptance', rows, PREAMBLE + chr(10) + chr(10).join(conditions))}")


def _run(task: tuple[str, int]) -> Measured:
    torch.set_num_threads(1)
    name, seed = task
    measured = next(e for e in EXPERIMENTS if e.name == name).run(seed)
    print(name, seed, measured, flush=True)
    return measured


def _rows(name: str, summary: Summary, seeds: int, holds: bool) -> list[Row]:
    rows = [
        Row(name, method, metric, value, summary.spread[method][metric] if seeds > 1 else None, seeds)
        for method, metrics in summary.mean.items()
        for metric, value in metrics.items()
    ]
    return [*rows, Row(name, "condition", "holds", float(holds), None, seeds)]


if __name__ == "__main__":
    main()
