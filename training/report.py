"""The report of a run: one HTML page with its curves and tables, and the curves as pictures beside it.

Axes: L levels, K codes a level.
"""

import html
from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from training.loop import EpochLog
from training.outcome import Outcome
from training.semantic_ids import SemanticIds

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;margin:1rem 0}"
    "td,th{border-bottom:1px solid #8884;padding:.2rem .8rem;text-align:right;font-variant-numeric:tabular-nums}"
    "td:first-child,th:first-child{text-align:left}"
    ".pictures{display:grid;grid-template-columns:repeat(auto-fit,minmax(24rem,1fr));gap:1rem}"
    "img{width:100%;background:#fff;border-radius:4px}pre{background:#8881;padding:1rem;overflow-x:auto}"
)


def write_report(folder: Path, outcome: Outcome) -> None:
    """Write index.html and its pictures into `folder`; the same run gives the same bytes."""
    folder.mkdir(parents=True)
    matplotlib.use("Agg")
    learned, config = outcome.learned, outcome.config
    pictures = {"loss.png": _loss(learned.logs, learned.final_logs)}
    if learned.logs and learned.logs[0].metrics:
        pictures["validation.png"] = _validation(learned.logs, config.trainer.metric, learned.best_epoch)
    if outcome.semantic_ids is not None:
        pictures["code_usage.png"] = _code_usage(outcome.semantic_ids)
    for name, figure in pictures.items():
        # Without the Software tag the bytes do not depend on the version that drew them.
        figure.savefig(folder / name, format="png", dpi=110, metadata={"Software": None})
    (folder / "index.html").write_text(_page(outcome, list(pictures)), encoding="utf-8")


def _loss(logs: Sequence[EpochLog], final_logs: Sequence[EpochLog]) -> Figure:
    figure, axes = _figure("Training loss", "epoch", "mean loss")
    axes.plot([log.epoch for log in logs], [log.loss for log in logs], marker="o", label="train")
    if final_logs:
        label = "train and validation"
        axes.plot([log.epoch for log in final_logs], [log.loss for log in final_logs], marker="s", label=label)
    axes.legend()
    return figure


def _validation(logs: Sequence[EpochLog], metric: str, best_epoch: int) -> Figure:
    figure, axes = _figure(f"Validation {metric}", "epoch", metric)
    axes.plot([log.epoch for log in logs], [log.metrics[metric] for log in logs], marker="o")
    axes.axvline(best_epoch, linestyle="--", color="gray", label=f"best: epoch {best_epoch}")
    axes.legend()
    return figure


def _code_usage(semantic_ids: SemanticIds) -> Figure:
    figure, axes = _figure("Code usage by level", "code, most used first", "items")
    for level, size in enumerate(semantic_ids.quantizer.codebook_sizes):
        count_K = np.bincount(semantic_ids.code_NL[:, level], minlength=size)
        axes.plot(np.sort(count_K)[::-1], label=f"level {level + 1}")
    axes.set_yscale("symlog")
    axes.legend()
    return figure


def _figure(title: str, x: str, y: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.add_subplot()
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.grid(alpha=0.3)
    return figure, axes


def _page(outcome: Outcome, pictures: Sequence[str]) -> str:
    title = html.escape(outcome.config.collection)
    parts = [
        f"<h1>{title}</h1>",
        f"<p>{html.escape(_summary(outcome))}</p>",
        "<h2>Test metrics</h2>",
        _table(outcome.metric_table()),
        "<h2>Curves</h2>",
        '<div class="pictures">',
        *(f'<img src="{name}" alt="{name.removesuffix(".png").replace("_", " ")}">' for name in pictures),
        "</div>",
        "<h2>Data</h2>",
        _table([["rows", "number"], *([name.replace("_", " "), str(n)] for name, n in outcome.counts().items())]),
    ]
    if outcome.semantic_ids is not None:
        rows = [[name, f"{value:.4g}"] for name, value in outcome.semantic_ids.metrics.items()]
        parts += ["<h2>Semantic IDs</h2>", _table([["metric", "value"], *rows])]
    parts += ["<h2>Configuration</h2>", f"<pre>{html.escape(outcome.config.model_dump_json(indent=2))}</pre>"]
    head = f'<meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n' + "\n".join(parts) + "\n</body></html>\n"


def _summary(outcome: Outcome) -> str:
    config, learned = outcome.config, outcome.learned
    return (
        f"A dual encoder of {config.dimension} dimensions, trained on {learned.examples:,} examples with the objective "
        f"{config.objective.kind} and {config.negatives.kind} negatives; epoch {learned.best_epoch} was best by "
        f"{config.trainer.metric} on the validation part."
    )


def _table(rows: Sequence[Sequence[str]]) -> str:
    header, *body = rows
    lines = ["<tr>" + "".join(f"<th>{html.escape(cell)}</th>" for cell in header) + "</tr>"]
    lines += ["<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in body]
    return "<table>" + "\n".join(lines) + "</table>"
