"""Pictures of how training went: the loss, the validation metric, and whatever an epoch logged."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from training.loop import EpochLog
from training.report.svg import SERIES, SOFT, figure


def loss(logs: Sequence[EpochLog], final_logs: Sequence[EpochLog]) -> Figure:
    """Mean loss by epoch, of both trainings."""
    drawn, axes = figure("Training loss", "epoch", "mean loss")
    _line(axes, logs, [log.loss for log in logs], 0, "train")
    if final_logs:
        _line(axes, final_logs, [log.loss for log in final_logs], 1, "train and validation")
    axes.legend()
    return drawn


def validation(logs: Sequence[EpochLog], metric: str, best_epoch: int) -> Figure:
    """The metric that picks the epoch."""
    drawn, axes = figure(f"Validation {metric}", "epoch", metric)
    _line(axes, logs, [log.metrics[metric] for log in logs], 0, metric)
    axes.axvline(best_epoch, linestyle="--", linewidth=1, color=SOFT, label=f"best: epoch {best_epoch}")
    axes.legend()
    return drawn


def term_groups(logs: Sequence[EpochLog]) -> tuple[dict[str, list[str]], list[str]]:
    """The names that epochs logged, by what they measure: objectives and towers together, the others each alone.

    Names whose value is always 0 stand apart: they are worth a word, not a picture.
    """
    groups: dict[str, list[str]] = {}
    zero = []
    for name in sorted({name for log in logs for name in log.logs}):
        if any(log.logs.get(name, 0.0) != 0 for log in logs):
            groups.setdefault(_group(name)[0], []).append(name)
        else:
            zero.append(name)
    return groups, zero


def _group(name: str) -> tuple[str, str]:
    """What a name measures, and of what: "loss/softmax" and "item_rank" say both, any other is alone."""
    what, slash, whose = name.partition("/")
    if slash:
        return what, whose
    tower, _, measure = name.partition("_")
    return (measure, tower) if tower in {"item", "query"} and measure else (name, name.replace("_", " "))


def terms(logs: Sequence[EpochLog], final_logs: Sequence[EpochLog], group: str, names: Sequence[str]) -> Figure:
    """What epochs logged under some names; the second training is dashed. Gradient norms have a logarithmic axis."""
    title = _TITLES.get(group, group.replace("_", " "))
    drawn, axes = figure(title, "epoch", "")
    values = []
    for index, name in enumerate(names):
        label = _group(name)[1]
        for phase, style, shown in ((logs, "-", label), (final_logs, "--", f"{label}, with validation")):
            known = [log for log in phase if name in log.logs]
            if known:
                values += [log.logs[name] for log in known]
                _line(axes, known, [log.logs[name] for log in known], index, shown, style)
    if group == "gradient" and min(values) > 0:
        axes.set_yscale("log")
    axes.legend()
    return drawn


_TITLES = {
    "gradient": "Gradient norm by objective",
    "loss": "Loss by objective",
    "cosine": "Mean cosine of two embeddings",
    "rank": "Dimensions in use",
}


def _line(
    axes: Axes, logs: Sequence[EpochLog], values: Sequence[float], series: int, label: str, style: str = "-"
) -> None:
    colour = SERIES[series % len(SERIES)]
    axes.plot([log.epoch for log in logs], values, marker="o", linestyle=style, color=colour, label=label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
