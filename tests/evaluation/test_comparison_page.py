import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from evaluation.comparison_page import comparison_page, metric_name, verdict, write_comparison
from evaluation.side_by_side import ComparisonConfig, Names, Side, SideBySide, side_by_side
from tests.evaluation.test_side_by_side import GRADES, NEW, OLD, TWO

VOID = {"meta", "br"}


class Balanced(HTMLParser):
    """Fails where a tag is not closed in its place."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        """Closed where it opens."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def found() -> SideBySide:
    names = Names(lambda ids: {one: f"the <{one}>" for one in ids}, {"lost": "red & blue"})
    return side_by_side(OLD, NEW, GRADES, names, TWO)


def test_the_page_shows_verdict_numbers_and_queries_with_names(found: SideBySide) -> None:
    page = comparison_page(found)
    Balanced(page)
    assert "These queries do not tell the two apart" in page
    assert "1 won, 1 lost, 3 tied" in page
    for text in (
        "<h3>red &amp; blue</h3>",
        '<li class="right">✓ the &lt;a&gt;</li>',
        "the &lt;b&gt; <small>there 1</small>",
    ):
        assert text in page
    assert "in neither: the &lt;z&gt;" in page
    assert re.findall(r"<h2>(.*?)</h2>", page)[1:] == [
        "Metrics",
        "Query by query",
        "What got worse",
        "What got better",
        "Other hits",
        "How it was measured",
    ]


def test_nothing_is_fetched_and_nothing_runs(found: SideBySide) -> None:
    page = comparison_page(found)
    assert "http" not in page
    assert "<script" not in page
    assert "url(" not in page
    assert "prefers-color-scheme:dark" in page


def test_json_lies_beside_the_page(found: SideBySide, tmp_path: Path) -> None:
    beside = write_comparison(found, tmp_path / "out" / "comparison.html")
    assert beside == tmp_path / "out" / "comparison.json"
    assert SideBySide.model_validate(json.loads(beside.read_text())) == found
    assert (tmp_path / "out" / "comparison.html").read_text() == comparison_page(found)
    assert write_comparison(found, tmp_path / "odd.json") == tmp_path / "odd.json.json"


def test_one_query_has_no_interval_and_the_page_says_so() -> None:
    one = side_by_side(OLD, NEW, {"lost": {"a": 1.0}}, config=TWO)
    title, sentence = verdict(one)
    assert title == "Nothing says which is better"
    assert sentence.startswith("There is one query only; nDCG@2 goes from 1.0000 to 0.0000")
    page = comparison_page(one)
    Balanced(page)
    assert "no interval: one query" in page


def test_without_grades_the_overlap_is_all() -> None:
    one = side_by_side(OLD, NEW, None, config=TWO)
    assert verdict(one)[1] == (
        "There are no grades, so only the hits can be compared: of the first 2 hits the two share 70% in the mean over "
        "5 queries."
    )
    page = comparison_page(one)
    Balanced(page)
    assert "What changed most" in page
    assert "Metrics" not in page


def test_the_same_on_both_sides_is_told_as_equal() -> None:
    one = side_by_side(OLD, Side("again", OLD.rankings), GRADES, config=ComparisonConfig(k=2))
    assert verdict(one)[0] == "Both are worth the same on every query"
    Balanced(comparison_page(one))


def test_metrics_are_written_as_people_write_them() -> None:
    assert [metric_name(name) for name in ("ndcg@10", "map", "hit_rate@5", "recall@10")] == [
        "nDCG@10",
        "MAP",
        "hit rate@5",
        "recall@10",
    ]
