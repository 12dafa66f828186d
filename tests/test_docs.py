"""The docs stay true: generated pages equal the code, links lead somewhere, quoted numbers are benchmark rows."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(p for p in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
BENCHMARKS = sorted((ROOT / "docs" / "benchmarks").glob("*.json"))


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_the_code() -> None:
    for name, text in _generator().pages().items():
        assert (ROOT / "docs" / "reference" / name).read_text() == text, "run `make reference`"


def test_every_setting_says_what_it_means() -> None:
    page = _generator().settings_page()
    undocumented = [line for line in page.splitlines() if line.startswith("| `") and line.endswith("|  |")]
    assert undocumented == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda p: p.stem)
def test_a_benchmark_page_is_rendered_from_its_json(path: Path) -> None:
    from benchmarks.report import render

    assert path.with_suffix(".md").read_text() == render(json.loads(path.read_text()))


@pytest.mark.parametrize("page", [p for p in PAGES if p.parent.name != "benchmarks"], ids=lambda p: p.name)
def test_quoted_numbers_stand_in_the_tables(page: Path) -> None:
    """A number is quoted as `0.241` followed by its source: <!-- benchmark/task/method/metric -->."""
    for quoted, source in re.findall(r"`([\d.]+)`<!-- (\S+) -->", page.read_text()):
        name, task, method, metric = source.split("/")
        rows = json.loads((ROOT / "docs" / "benchmarks" / f"{name}.json").read_text())["rows"]
        values = [r["value"] for r in rows if (r["task"], r["method"], r["metric"]) == (task, method, metric)]
        assert len(values) == 1, source
        decimals = len(quoted.partition(".")[2])
        assert f"{values[0]:.{decimals}f}" == quoted, source
