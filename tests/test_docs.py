"""The docs stay true: generated pages equal the code, links lead somewhere, quoted numbers are benchmark rows."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest

from index.kinds import IndexKind
from index.kinds.cagra import CagraKind
from index.kinds.flat import FlatKind
from index.kinds.graph_search import UNMAPPED_BYTES
from index.kinds.hnsw import HnswKind
from index.kinds.inverted_lists import LIST_BYTES
from index.kinds.ivf_flat import IvfFlatKind
from index.kinds.ivf_pq import IvfPqKind
from index.kinds.ivf_rabitq import IvfRabitqKind
from index.kinds.ivf_sq8 import IvfSq8Kind
from index.kinds.semantic_prefix import SemanticPrefixKind

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


SIZES: list[tuple[IndexKind, str, int]] = [  # what the page says, and what that is for 64 dimensions
    (FlatKind(), "| `flat` | 4 D |", 256),
    (HnswKind(m=16), "| `hnsw` | 4 D + 8 `m`, and 12 in every process |", 256 + 128 + UNMAPPED_BYTES),
    (CagraKind(graph_degree=32), "4 D + 4 `graph_degree`, and 12 in every process |", 256 + 128 + UNMAPPED_BYTES),
    (IvfFlatKind(), "| `ivf_flat`, `semantic_prefix` | 4 D + 8 |", 264),
    (SemanticPrefixKind(), "| `ivf_flat`, `semantic_prefix` | 4 D + 8 |", 264),
    (IvfSq8Kind(), "| `ivf_sq8` | D + 8 |", 72),
    (IvfPqKind(n_codes=16), "| `ivf_pq` | `n_codes` + 8 |", 24),
    (IvfRabitqKind(bits=1), "| `ivf_rabitq` | D / 8 + 16 with one bit", 24),
    (IvfRabitqKind(bits=4), "D / 2 + 28 with four |", 60),
]


@pytest.mark.parametrize(("kind", "said", "n_bytes"), SIZES)
def test_sizes_on_the_page_are_those_of_the_kinds(kind: IndexKind, said: str, n_bytes: int) -> None:
    page = (ROOT / "docs" / "how-to" / "size-a-machine.md").read_text()
    assert said in page and kind.bytes_per_item(64) == n_bytes
    assert UNMAPPED_BYTES == 12 and f"take {LIST_BYTES} bytes a list in every process" in page
    assert {type(one) for one, *_ in SIZES} == set(get_args(get_args(IndexKind)[0]))
