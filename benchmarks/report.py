"""Writes a benchmark's rows as JSON and, rendered from it, as the Markdown table that the docs quote."""

import datetime
import json
import os
import platform
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "benchmarks"


@dataclass(frozen=True)
class Row:
    """One measured number; `spread` is the population standard deviation over `seeds` runs."""

    task: str
    method: str
    metric: str
    value: float
    spread: float | None = None
    seeds: int = 1
    unit: str = ""

    @classmethod
    def of(cls, task: str, method: str, metric: str, values: Sequence[float], unit: str = "") -> "Row":
        """Mean over the runs, and their spread where there are two or more."""
        spread = statistics.pstdev(values) if len(values) > 1 else None
        return cls(task, method, metric, statistics.fmean(values), spread, len(values), unit)


def rows_of(task: str, method: str, runs: Sequence[Mapping[str, float]]) -> list[Row]:
    """A row for every measure that a run has, over the runs that have it; names that end in `_s` are seconds."""
    values = {metric: [run[metric] for run in runs if metric in run] for run in runs for metric in run}
    return [Row.of(task, method, name, found, "s" if name.endswith("_s") else "") for name, found in values.items()]


def add_rows(name: str, rows: Sequence[Row], preamble: str) -> Path:
    """As `write_benchmark`, but keep the rows of the table for what was not measured again.

    Their commits and processors are named beside those of the new rows.
    """
    path = FOLDER / f"{name}.json"
    if not path.exists():
        return write_benchmark(name, rows, preamble)
    old = json.loads(path.read_text())
    new = {(row.task, row.method) for row in rows}
    kept = [row for row in (Row(**entry) for entry in old["rows"]) if (row.task, row.method) not in new]
    order = {task: place for place, task in enumerate(dict.fromkeys(row.task for row in [*kept, *rows]))}
    merged = sorted([*kept, *rows], key=lambda row: order[row.task])
    return write_benchmark(name, merged, preamble, old if kept else None)


def write_benchmark(name: str, rows: Sequence[Row], preamble: str, before: Mapping[str, Any] | None = None) -> Path:
    """Write docs/benchmarks/<name>.json and .md; `preamble` states protocol, split and tie rules, seeds and sizes.

    `before`: the JSON of an earlier run that some of the rows come from.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    machine = _machine()
    commits = dict.fromkeys([*(before["commit"].split(", ") if before else []), STARTED_AT])
    processors = dict.fromkeys([*(before["machine"]["cpu"].split(", ") if before else []), machine["cpu"]])
    data = {
        "benchmark": name,
        "date": datetime.date.today().isoformat(),
        "commit": ", ".join(commits),
        "machine": {**machine, "cpu": ", ".join(map(str, processors))},
        "preamble": preamble,
        "rows": [asdict(row) for row in rows],
    }
    (FOLDER / f"{name}.json").write_text(json.dumps(data, indent=1) + "\n")
    path = FOLDER / f"{name}.md"
    path.write_text(render(data))
    return path


def render(data: Mapping[str, object]) -> str:
    """The Markdown page of a benchmark's JSON."""
    rows = [Row(**row) for row in data["rows"]]  # type: ignore[attr-defined]
    machine: Mapping[str, object] = data["machine"]  # type: ignore[assignment]
    parts = [f"# {data['benchmark']}\n", f"{str(data['preamble']).strip()}\n"]
    parts.append(
        f"Measured on {data['date']} at commit `{data['commit']}`: {machine['cpu']}, {machine['cores']} cores, "
        f"GPU: {machine['gpu'] or 'none'}. `a ± b` is mean and standard deviation over seeds.\n"
    )
    for task in dict.fromkeys(row.task for row in rows):
        parts.append(_table(task, [row for row in rows if row.task == task]))
    return "\n".join(parts)


def _table(task: str, rows: Sequence[Row]) -> str:
    metrics = list(dict.fromkeys(row.metric for row in rows))
    units = {row.metric: row.unit for row in rows}
    cells = {(row.method, row.metric): row for row in rows}
    head = ["method", *(f"{m} ({units[m]})" if units[m] else m for m in metrics), "seeds"]
    lines = [f"## {task}\n", f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for method in dict.fromkeys(row.method for row in rows):
        own = [cells.get((method, metric)) for metric in metrics]
        seeds = max(row.seeds for row in own if row)
        lines.append(f"| {' | '.join([method, *map(_cell, own), str(seeds)])} |")
    return "\n".join(lines) + "\n"


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    text = (
        f"{row.value:.4f}"
        if abs(row.value) < 1
        else f"{row.value:,.4g}"
        if abs(row.value) < 1000
        else f"{row.value:,.0f}"
    )
    return text if row.spread is None else f"{text} ± {row.spread:.4f}"


def _commit() -> str:
    """The commit, with a + where files differ from it, but for the tables that earlier parts of a run have written."""
    commit = _git("rev-parse", "--short", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", f":!{FOLDER.relative_to(ROOT)}")
    return f"{commit}+" if changed else commit or "unknown"


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


def _machine() -> dict[str, object]:
    cpu = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        names = [line.split(":", 1)[1].strip() for line in information.read_text().splitlines() if "model name" in line]
        cpu = names[0] if names else cpu
    gpu = subprocess.run(
        "nvidia-smi --query-gpu=name --format=csv,noheader", shell=True, capture_output=True, text=True, check=False
    ).stdout.strip()

    return {"cpu": cpu, "cores": os.cpu_count(), "gpu": gpu}


# Taken when a benchmark starts: a run of an hour measures the code that it loaded, whatever is committed meanwhile.
STARTED_AT = _commit()
