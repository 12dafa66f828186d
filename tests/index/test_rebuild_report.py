import orjson

from bundle.workspace import Collection
from evaluation.side_by_side import Side, SideBySide, side_by_side
from index.gates import GateResult
from index.rebuild_report import RebuildReport, read_outcome, report_folder, write_rebuild_report

GATES = (
    GateResult(gate="index recall", outcome="passed", value=0.98, limit=0.9, detail="good"),
    GateResult(gate="count change", outcome="refused", value=0.5, limit=0.2, detail="60 items before, <30> now"),
    GateResult(gate="quality", outcome="skipped", detail="no stored queries"),
)


def report(collection: Collection, outcome: str = "refused") -> RebuildReport:
    return RebuildReport.model_validate(
        {
            "collection": collection.name,
            "version": "v2",
            "outcome": outcome,
            "before": "v1",
            "bundle_id": "b",
            "count": 30,
            "n_copied": 28,
            "n_embedded": 2,
            "gates": [gate.model_dump() for gate in GATES],
            "notes": ["a <note>"],
            "seconds": {"embed": 2.0, "gates": 1.0},
        }
    )


def test_the_report_is_read_back(own_shop: Collection) -> None:
    assert read_outcome(own_shop, "v2") is None
    path = write_rebuild_report(own_shop, report(own_shop))
    assert read_outcome(own_shop, "v2") == "refused"
    data = orjson.loads((path.parent / "report.json").read_bytes())
    assert RebuildReport.model_validate(data) == report(own_shop)
    (path.parent / "report.json").write_bytes(b"{")
    assert read_outcome(own_shop, "v2") is None
    assert path.parent == report_folder(own_shop, "v2")


def test_the_page_shows_every_gate_with_its_limit_and_the_times(own_shop: Collection) -> None:
    text = write_rebuild_report(own_shop, report(own_shop)).read_text()
    assert '<span class="pill refused">refused</span> <code>v2</code>: 30 items, 2 embedded, 28 copied' in text
    assert "60 items before, &lt;30&gt; now" in text
    assert "a &lt;note&gt;" in text
    for cell in (
        '<td class="number">0.98</td><td class="number">0.9</td>',
        "2.00 s",
        "width:16.00rem",
        "width:8.00rem",
    ):
        assert cell in text
    assert "goes on serving" in text


def test_both_versions_side_by_side_lie_beside_the_report(own_shop: Collection) -> None:
    lists = Side("v1", {"q": ["a"], "r": ["b"]}), Side("v2", {"q": ["a"], "r": ["a"]})
    comparison = side_by_side(*lists, {"q": {"a": 1.0}, "r": {"b": 1.0}})
    told = report(own_shop).model_copy(update={"comparison": "comparison.html"})
    path = write_rebuild_report(own_shop, told, comparison)
    assert '<a href="comparison.html">Both versions side by side' in path.read_text()
    assert "<b>right</b> v2" in (path.parent / "comparison.html").read_text()
    data = (path.parent / "comparison.json").read_bytes()
    assert SideBySide.model_validate_json(data) == comparison
    assert "side by side" not in write_rebuild_report(own_shop, report(own_shop)).read_text()
