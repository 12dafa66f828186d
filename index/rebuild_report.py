"""What a rebuild did, for machines and for people: rebuilds/<version>/report.json and index.html.

Where stored queries were asked, comparison.html and comparison.json beside them hold both versions side by side.
"""

from html import escape
from pathlib import Path
from typing import Literal, NamedTuple

import orjson
from pydantic import Field, ValidationError

from bundle.config import Config
from bundle.files import replace_file
from bundle.workspace import Collection
from evaluation.comparison_page import write_comparison
from evaluation.side_by_side import SideBySide
from index.garbage import REPORTS_FOLDER
from index.gates import GateResult
from index.page import page, section, table

REPORT_FILE, PAGE_FILE, COMPARISON_FILE = "report.json", "index.html", "comparison.html"
Outcome = Literal["activated", "refused", "unchanged", "rolled back"]
_SENTENCE: dict[Outcome, str] = {
    "activated": "Every gate let it pass; it is the active version now.",
    "refused": "A gate refused it; the version that was active before goes on serving.",
    "unchanged": "The active version has this very catalogue, bundle and config; nothing was built.",
    "rolled back": "It was active before and is no more, and nothing has changed since; it was left alone.",
}


class LastRebuild(NamedTuple):
    """When the last rebuild ended, in seconds since 1970, and what became of its version."""

    ended_at_s: float
    outcome: Outcome


class RebuildReport(Config):
    """One run of the rebuild job."""

    collection: str = Field(description="Name of the collection.")
    version: str = Field(description="The index version that was built, or that has this catalogue already.")
    outcome: Outcome = Field(description="What became of it.")
    before: str | None = Field(description="The version that was active before.")
    bundle_id: str = Field(description="The bundle that embeds the catalogue.")
    count: int = Field(ge=1, description="Items in the catalogue.")
    n_copied: int = Field(ge=0, description="Embeddings that this run copied because their content did not change.")
    n_embedded: int = Field(ge=0, description="Embeddings that this run computed.")
    gates: tuple[GateResult, ...] = Field(default=(), description="What every gate found; empty if none was asked.")
    comparison: str | None = Field(
        default=None, description="Page beside the report with both versions side by side; none if no query was asked."
    )
    notes: tuple[str, ...] = Field(default=(), description="What else an operator should know.")
    removed: tuple[str, ...] = Field(default=(), description="Index versions and leftovers that were removed.")
    in_use: tuple[str, ...] = Field(default=(), description="What was to be removed and is being read or written.")
    seconds: dict[str, float] = Field(description="Wall time of each step, in seconds.")

    @property
    def sentence(self) -> str:
        """The outcome in words."""
        return _SENTENCE[self.outcome]


def report_folder(collection: Collection, version: str) -> Path:
    """Where the report on a version lies."""
    return collection.folder / REPORTS_FOLDER / version


def write_rebuild_report(collection: Collection, report: RebuildReport, comparison: SideBySide | None = None) -> Path:
    """Write the files, each in one step, and return the page's path."""
    folder = report_folder(collection, report.version)
    if comparison is not None:
        write_comparison(comparison, folder / COMPARISON_FILE)
    text = orjson.dumps(report.model_dump(mode="json"), option=orjson.OPT_INDENT_2)
    replace_file(folder / REPORT_FILE, text)
    replace_file(folder / PAGE_FILE, _page(report))
    return folder / PAGE_FILE


def read_outcome(collection: Collection, version: str) -> Outcome | None:
    """What became of a version when it was rebuilt; None where no readable report tells."""
    path = report_folder(collection, version) / REPORT_FILE
    try:
        return RebuildReport.model_validate_json(path.read_bytes()).outcome
    except (OSError, ValidationError):
        return None


def newest_report(collection: Collection) -> Path | None:
    """The report that was written last, None where there is none."""
    written = [
        (path.stat().st_mtime_ns, path) for path in (collection.folder / REPORTS_FOLDER).glob(f"*/{REPORT_FILE}")
    ]
    return max(written)[1] if written else None


def last_rebuild(collection: Collection) -> LastRebuild | None:
    """The last rebuild that ended with a report; None where no readable report tells. Raises OSError."""
    path = newest_report(collection)
    outcome = None if path is None else read_outcome(collection, path.parent.name)
    return None if path is None or outcome is None else LastRebuild(path.stat().st_mtime, outcome)


def _page(report: RebuildReport) -> str:
    title = f"Rebuild of {escape(report.collection)}"
    summary = (
        f"{_pill(report.outcome)} <code>{escape(report.version)}</code>: {report.count:,} items, "
        f"{report.n_embedded:,} embedded, {report.n_copied:,} copied. {report.sentence}"
    )
    facts = [("bundle", report.bundle_id), ("active before", report.before or "none")]
    beside = f'<a href="{COMPARISON_FILE}">Both versions side by side on the stored queries</a>'
    gates = section("Gates", beside if report.comparison else "", _gates(report))
    sections = [gates, section("Where the time went", "", _times(report))]
    if report.notes:
        notes = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
        sections.append(section("Notes", "", f"<ul>{notes}</ul>"))
    return page(title, summary, [*sections, section("Versions", "", table(("what", "value"), facts))])


def _gates(report: RebuildReport) -> str:
    rows = "".join(
        f"<tr><td>{escape(gate.gate)}</td><td>{_pill(gate.outcome)}</td>"
        f'<td class="number">{_number(gate.value)}</td><td class="number">{_number(gate.limit)}</td>'
        f"<td>{escape(gate.detail)}</td></tr>"
        for gate in report.gates
    )
    head = '<tr><th>gate</th><th></th><th class="number">measured</th><th class="number">limit</th><th></th></tr>'
    return f"<table>{head}{rows}</table>"


def _times(report: RebuildReport) -> str:
    longest = max(report.seconds.values(), default=0) or 1
    rows = "".join(
        f'<tr><td>{escape(step)}</td><td><span class="bar" style="width:{16 * seconds / longest:.2f}rem"></span></td>'
        f'<td class="number">{seconds:.2f} s</td></tr>'
        for step, seconds in report.seconds.items()
    )
    return f"<table>{rows}</table>"


def _pill(outcome: str) -> str:
    return f'<span class="pill {outcome.split()[0]}">{outcome}</span>'


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
