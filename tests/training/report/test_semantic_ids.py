"""What the section on semantic IDs says, on codes set by hand."""

import re
from dataclasses import replace

import pytest

from tests.training.report.planted_codes import even, planted
from tests.training.world import shop_config
from training.outcome import Outcome
from training.report.names import ItemNames
from training.report.semantic_ids import semantic_id_section
from training.report.svg import style
from training.semantic_ids import SemanticIds
from training.stability.churn import Churn


def section(outcome: Outcome, found: SemanticIds | None) -> str:
    with style():
        parts = semantic_id_section(replace(outcome, semantic_ids=found), ItemNames(outcome))
    return "".join(part.body for part in parts)


def kept(outcome: Outcome) -> Outcome:
    return replace(outcome, config=shop_config(semantic_id_stability={"mode": "match"}))


@pytest.fixture(scope="module")
def codes() -> SemanticIds:
    """60 items, the last four under the ID of the first."""
    code_NL = even(8)[:60]
    code_NL[-4:] = code_NL[0]
    return planted(code_NL, 8)


def test_no_section_without_semantic_ids(outcome: Outcome) -> None:
    assert section(outcome, None) == ""


def test_shared_ids_are_summed_up(outcome: Outcome, codes: SemanticIds) -> None:
    page = section(outcome, codes)
    assert "8 x 8 codes. 8.3% of the items share their whole ID with another; the largest group is 5." in page


def test_levels_and_prefixes_have_a_row_each(outcome: Outcome, codes: SemanticIds) -> None:
    rows = re.findall(r"<tr>(.*?)</tr>", section(outcome, codes))
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]
    level = cells.index(["level", "codes", "in use", "perplexity", "gini"])
    # Codes 0 to 6 of the first level are in use: 0 has 12 items, the others 8.
    assert cells[level + 1][:3] == ["1", "8", "87.5%"]
    prefix = cells.index(["codes of the prefix", "share a prefix", "largest group", "error"])
    assert [row[:3] for row in cells[prefix + 1 : prefix + 3]] == [["1", "100.0%", "12"], ["2", "8.3%", "5"]]


def test_a_measure_of_one_prefix_that_another_lacks_is_a_dash(outcome: Outcome, codes: SemanticIds) -> None:
    hits = {"prefix_hit_rate@1": 0.5, "prefix_lift@1": 2.0, "prefix_hit_rate@2": 0.0}
    page = section(outcome, replace(codes, metrics=codes.metrics | hits, pairs_from="test"))
    assert "<td>50.00%</td><td>2</td>" in page.replace("\n", "")
    assert "<td>0.00%</td><td>–</td>" in page.replace("\n", "")
    assert "×2<" in page


def test_churn_is_told_when_it_was_asked_for(outcome: Outcome, codes: SemanticIds) -> None:
    assert "earlier bundle" not in section(outcome, codes)
    assert "No earlier bundle of the collection has semantic IDs" in section(kept(outcome), codes)
    page = section(kept(outcome), planted(codes.code_NL, 8, Churn("b1", (0.0, 0.3), 0.1)))
    assert "30.0% of the items have another ID than bundle b1 gives their record (mode match)" in page
    assert "changed" in page
