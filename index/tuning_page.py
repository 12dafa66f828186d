"""All settings of a tuning as one drawing on a self-contained page."""

from html import escape

from index.front_plot import Spot, front_plot
from index.page import page
from index.tune import Trial, Tuning, kind_section


def tuning_page(tuning: Tuning) -> str:
    """The page: index recall against CPU time, one colour a kind, the chosen setting ringed."""
    spots = [
        Spot(trial.name, _label(trial), trial.cpu_us_per_query, trial.recall, trial == tuning.chosen)
        for trial in tuning.trials
    ]
    summary = (
        f"Measured on the vectors of <code>{escape(tuning.version)}</code>. The dashed line is the target "
        f"{tuning.target}; the ringed setting is the cheapest that meets it."
    )
    section = f"<h2>Chosen</h2>\n<pre>{escape(kind_section(tuning.chosen.kind))}</pre>"
    return page("Index recall and cost by kind", summary, [front_plot(spots, tuning.target), section])


def _label(trial: Trial) -> str:
    setting = ", ".join(f"{name} {value}" for name, value in trial.kind.setting().items())
    return f"{trial.name} {setting}".strip()
