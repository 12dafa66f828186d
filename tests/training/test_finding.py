"""A finding on the report's page, whoever found it."""

from training.click_models.findings import ClickFinding
from training.finding import Finding
from training.report.page import warnings_box


def test_a_finding_with_a_code_stands_on_the_page_as_any_other() -> None:
    box = warnings_box([ClickFinding("Few <clicks>", "Fewer than 100 & more", "few-clicks")])
    assert box == warnings_box([Finding("Few <clicks>", "Fewer than 100 & more")])
    assert "Few &lt;clicks&gt;.</b> Fewer than 100 &amp; more" in box
