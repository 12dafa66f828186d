import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from bundle.features import Feature, TextFeature, TokensFeature
from tests.training.conftest import Trained
from training.compare import MODEL, POPULARITY
from training.finding import Finding
from training.loop import EpochLog
from training.outcome import Outcome
from training.report import write_report
from training.report.curves import term_groups
from training.report.findings import findings
from training.report.names import ItemNames, attribute, name_column, query_name
from training.report.page import warnings_box
from training.report.pictures import map_by_attribute
from training.report.svg import figure, inline, style

SECTIONS = (
    "Test metrics",
    "Learning curves",
    "Rare and frequent items",
    "Scores and thresholds",
    "Hubs",
    "Embedding map",
    "Nearest neighbours",
    "Example queries",
    "Semantic IDs",
    "Data",
    "Configuration",
)
VOID = {"meta", "br"}


def titles(outcome: Outcome) -> set[str]:
    return {finding.title for finding in findings(outcome)}


def with_logs(outcome: Outcome, *logs: EpochLog, best: int = 1) -> Outcome:
    return replace(outcome, learned=replace(outcome.learned, logs=list(logs), best_epoch=best))


def log(epoch: int, loss: float, **logs: float) -> EpochLog:
    return EpochLog(epoch, loss, {"ndcg@10": 0.5}, {name.replace("__", "/"): value for name, value in logs.items()})


@pytest.fixture(scope="module")
def page(trained: Trained) -> str:
    return (trained.folder / "report" / "index.html").read_text()


def test_the_report_is_one_file_that_needs_nothing_else(trained: Trained, page: str) -> None:
    assert [path.name for path in (trained.folder / "report").iterdir()] == ["index.html"]
    for outside in ("http", "src=", "<script", "<link", "@import", "<image"):
        assert outside not in page
    assert all(target.startswith("#") for target in re.findall(r'href="([^"]*)"', page))


def test_every_section_is_there_and_linked(page: str) -> None:
    assert tuple(re.findall(r"<section id=[^>]*>\n<h2>([^<]*)</h2>", page)) == SECTIONS
    anchors = re.findall(r'<section id="([^"]*)"', page)
    assert re.findall(r'<a href="#([^"]*)"', page) == anchors


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.refs: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(str(value))
            if name == "href":
                self.refs.add(str(value).removeprefix("#"))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_tags_close_and_ids_are_used_once(page: str) -> None:
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert len(tags.ids) == len(set(tags.ids))
    assert tags.refs | set(re.findall(r"url\(#([^)]*)\)", page)) <= set(tags.ids)


def test_the_page_states_the_measured_numbers_and_the_settings(trained: Trained, page: str) -> None:
    for method in ("model", "popularity", "item-knn"):
        assert f"<th>{method}</th>" in page
    assert f"<td>{trained.result.metrics['model']['recall@10']:.4g}</td>" in page
    assert "<td>psp@10</td>" in page
    assert "<th>perplexity</th>" in page
    assert "&quot;leave_last_out&quot;" in page
    assert "chosen on every other test query" in page  # the model was trained on validation too


def test_pictures_follow_the_colours_of_the_page(page: str) -> None:
    assert len(re.findall(r"<svg ", page)) >= 9
    for svg in re.findall(r"<svg .*?</svg>", page, re.DOTALL):
        assert "var(--ink)" in svg
        assert not re.search(r"#[0-9a-f]{6}", svg)
    assert "prefers-color-scheme:dark" in page


def test_the_same_run_gives_the_same_bytes(outcome: Outcome, tmp_path: Path) -> None:
    for name in ("first", "second"):
        write_report(tmp_path / name, replace(outcome))
    first = (tmp_path / "first" / "index.html").read_bytes()
    assert first == (tmp_path / "second" / "index.html").read_bytes()
    assert b"chosen on validation, and measured on test" in first


def test_items_and_queries_go_by_name(outcome: Outcome, page: str) -> None:
    names = ItemNames(outcome)
    assert (names.column, names[5]) == ("title", "steel pan 5")
    assert query_name(outcome, 3) == "q3"  # its table has no text
    assert attribute(outcome) == ("tags", ["sale", "steel", "sale", "paper"] * 15)
    assert re.search(r"<h3>(red lamp|steel pan|garden chair|paper bag) \d+</h3>", page)
    assert '<tr class="found"><td class="name">✓ ' in page


@pytest.mark.parametrize("feature", [TextFeature(name="about"), TokensFeature(name="about")])
def test_a_text_feature_names_a_row_that_has_no_usual_name(feature: Feature) -> None:
    table = pa.table({"item_id": ["a"], "code": ["x1"], "about": ["a steel pan"]})
    assert name_column(table, [feature], "item_id") == "about"
    assert name_column(table, [], "item_id") is None


def test_hits_marked_as_relevant_are_those_that_recall_counts(trained: Trained, page: str) -> None:
    section = page[page.index('id="queries"') :]
    cards = re.findall(r"(\d+) of (\d+) relevant items? among these(.*?)</table>", section, re.DOTALL)
    assert len(cards) == 8
    for found, relevant, rows in cards:
        assert rows.count("✓") == int(found) <= int(relevant)
    assert any(found == "1" for found, _, _ in cards)


def test_a_model_that_popularity_beats_is_named_first(outcome: Outcome) -> None:
    metrics = {name: dict(values) for name, values in outcome.comparison.metrics.items()}
    metrics[POPULARITY]["ndcg@10"] = 0.9
    beaten = replace(outcome, comparison=replace(outcome.comparison, metrics=metrics))
    assert "Popularity beats the model" not in titles(outcome)
    assert "Popularity beats the model" in titles(beaten)


def test_the_curves_are_watched(outcome: Outcome) -> None:
    short = "Training stopped before it was done"
    assert short in titles(with_logs(outcome, log(1, 2.0), log(2, 1.0), best=2))
    assert short not in titles(with_logs(outcome, log(1, 2.0), log(2, 1.0), best=1))
    assert "The loss is not finite" in titles(with_logs(outcome, log(1, 2.0), log(2, float("nan"))))
    assert "The loss does not fall" in titles(with_logs(outcome, log(1, 2.0), log(2, 2.5)))
    assert "Validation got worse from the start" in titles(with_logs(outcome, log(1, 3), log(2, 2), log(3, 1)))


def test_one_objective_that_drowns_another_is_named(outcome: Outcome) -> None:
    uneven = log(1, 1.0, gradient__softmax=50.0, gradient__mann_whitney=0.1)
    assert "One objective drowns another" in titles(with_logs(outcome, uneven))
    even = log(1, 1.0, gradient__softmax=5.0, gradient__mann_whitney=0.1)
    assert "One objective drowns another" not in titles(with_logs(outcome, even))
    assert "Many examples teach nothing" in titles(with_logs(outcome, log(1, 1.0, skipped=40.0)))


def test_a_collapsed_embedding_is_named(outcome: Outcome) -> None:
    assert "The embedding has collapsed" not in titles(outcome)
    found = outcome.diagnostics
    for part in (replace(found.map, mean_cosine=0.95), replace(found.map, used_dimensions=1.2)):
        planted = replace(outcome)
        planted.__dict__["diagnostics"] = replace(found, map=part)
        assert "The embedding has collapsed" in titles(planted)


def test_rare_items_scores_and_hubs_are_watched(outcome: Outcome) -> None:
    found, planted = outcome.diagnostics, replace(outcome)
    assert found.auc is not None
    bands = [replace(found.bands[MODEL][0], items=9, relevant=25, hits=0), *found.bands[MODEL][1:]]
    occurrence = np.zeros(60, dtype=np.int64)
    occurrence[:2] = 40
    planted.__dict__["diagnostics"] = replace(
        found,
        bands={**found.bands, MODEL: bands},
        auc=replace(found.auc, pooled=0.6, per_query=0.9),
        hubness=replace(found.hubness, occurrence_N=occurrence),
    )
    named = {
        "Rare items are never found",
        "Scores of different queries cannot be compared",
        "A few items are shown to everybody",
        "Most of the catalogue is never shown",
    }
    assert named <= titles(planted)
    calibrated = replace(outcome)
    calibrated.__dict__["diagnostics"] = replace(found, auc=replace(found.auc, pooled=0.9, per_query=0.92))
    assert not named & titles(calibrated)


def test_what_is_odd_about_the_data_is_named(outcome: Outcome) -> None:
    assert "Few test queries" in titles(outcome)
    counted = replace(outcome.dataset.report, interactions_read=1000, dropped_unknown_item=11)
    metrics = {**outcome.comparison.metrics, MODEL: {**outcome.comparison.metrics[MODEL], "relevant_seen": 41.0}}
    planted = replace(
        outcome,
        dataset=replace(outcome.dataset, report=counted),
        comparison=replace(outcome.comparison, metrics=metrics),
    )
    assert {"Many interactions were dropped", "Most test pairs are repeats"} <= titles(planted)


def test_a_run_without_faults_says_so() -> None:
    assert "Nothing stands out" in warnings_box([])
    assert "<b>a &lt; b.</b> c" in warnings_box([Finding("a < b", "c")])


def test_logs_of_one_measure_share_a_picture(outcome: Outcome, tmp_path: Path) -> None:
    logs = [
        log(1, 1.0, gradient__softmax=1.0, gradient__mw=2.0, item_cosine=0.1, query_cosine=0.2, kept=3.0, skipped=0.0)
    ]
    groups, zero = term_groups(logs)
    assert groups == {
        "gradient": ["gradient/mw", "gradient/softmax"],
        "cosine": ["item_cosine", "query_cosine"],
        "kept": ["kept"],
    }
    assert zero == ["skipped"]
    write_report(tmp_path / "report", with_logs(outcome, *logs))
    page = (tmp_path / "report" / "index.html").read_text()
    assert "Gradient norm by objective" in page
    assert "Logged, but zero throughout: skipped." in page


def test_a_picture_keeps_the_numbers_that_it_shows() -> None:
    with style():
        drawn, axes = figure("0.12345", "x", "y")
        axes.plot([0, 1 / 3], [0, 1 / 7])
        svg = inline(drawn, "one", 'a "label"')
    assert ">0.12345<" in svg
    assert 'aria-label="a &quot;label&quot;"' in svg
    assert not re.search(r"<[^>]*\d\.\d{3}", svg)


def test_values_of_an_attribute_are_no_formulas_and_need_no_font(outcome: Outcome) -> None:
    values = ["$x", "a_$b$", "_hidden", "日本", "<b>"] * 12
    with style():
        svg = inline(map_by_attribute(outcome.diagnostics.map, "kind", values), "map", "map")
    for shown in (">$x<", ">a_$b$<", "> _hidden<", ">日本<", ">&lt;b&gt;<"):
        assert shown in svg


def test_the_commonest_values_have_colours_and_the_rest_is_other(outcome: Outcome) -> None:
    values = [f"v{row % 9}" if row < 54 else "v0" for row in range(60)]
    with style():
        svg = inline(map_by_attribute(outcome.diagnostics.map, "kind", values), "map", "map")
    assert ">other<" in svg
    assert svg.count("<use") == 60 + 8  # every item once, and the legend
