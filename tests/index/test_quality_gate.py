import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from evaluation.side_by_side import ComparisonConfig, Side, SideBySide, side_by_side
from index.quality_gate import QualityGate, judge_quality

ROOT = Path(__file__).parents[2]


def gate(**settings: Any) -> QualityGate:
    return QualityGate.model_validate({"queries": Path("q.csv"), "interactions": Path("a.csv"), **settings})


def versions(n_queries: int, n_lost: int, n_won: int = 0) -> SideBySide:
    """An answer that stands first, but of the lost ones second now, of the won ones second before."""
    grades = {f"q{n}": {"a": 1.0} for n in range(n_queries)}
    before = {one: ["b", "a"] if n_lost <= n < n_lost + n_won else ["a", "b"] for n, one in enumerate(grades)}
    now = {one: ["b", "a"] if n < n_lost else ["a", "b"] for n, one in enumerate(grades)}
    return side_by_side(Side("live", before), Side("new", now), grades, config=ComparisonConfig())


DROP = 1 - 0.63093  # nDCG of a second place is 1 / log2(3)


def test_by_the_mean_the_drop_is_held_against_the_limit() -> None:
    found = judge_quality(gate(max_drop=0.1), versions(10, n_lost=2))
    assert found.value == pytest.approx(0.2 * DROP, abs=1e-5)
    assert (found.limit, found.is_good) == (0.1, True)
    assert not judge_quality(gate(max_drop=0.07), versions(10, n_lost=2)).is_good
    assert judge_quality(gate(max_drop=None), versions(10, n_lost=2)).limit is None
    assert "nDCG@10 1.0000 before, 0.9262 now; recall@10 1.0000 before, 1.0000 now" in found.detail
    assert "difference -0.0738 (-0." in found.detail
    assert "over 10 queries, 0 won, 2 lost" in found.detail


def test_by_the_interval_few_queries_refuse_what_many_let_pass() -> None:
    few, many = versions(10, n_lost=2, n_won=2), versions(1_000, n_lost=200, n_won=200)
    assert few.results[0].difference.mean == pytest.approx(0)
    assert many.results[0].difference.mean == pytest.approx(0)
    assert not judge_quality(gate(judged_by="interval", max_drop=0.05), few).is_good
    found = judge_quality(gate(judged_by="interval", max_drop=0.05), many)
    assert found.is_good
    assert found.value == pytest.approx(-(many.results[0].difference.low or 0))
    assert judge_quality(gate(judged_by="interval", max_drop=None), few).limit is None


def test_by_the_interval_nothing_is_sure_of_one_query_and_all_is_of_equal_ones() -> None:
    one = judge_quality(gate(judged_by="interval"), versions(1, n_lost=0))
    assert not one.is_good
    assert "one query does not say how sure" in one.detail
    assert judge_quality(gate(judged_by="interval"), versions(5, n_lost=0)).is_good
    assert not judge_quality(gate(judged_by="interval"), versions(5, n_lost=5)).is_good


def test_by_the_test_only_what_is_significantly_worse_is_refused() -> None:
    found = judge_quality(gate(judged_by="test"), versions(100, n_lost=4))
    # Four lost and none won: one of sixteen sign patterns is as bad.
    assert (found.value, found.limit, found.is_good) == (1 / 16, 0.05, True)
    assert not judge_quality(gate(judged_by="test"), versions(100, n_lost=5)).is_good
    assert judge_quality(gate(judged_by="test", level=0.99), versions(100, n_lost=5)).is_good
    assert judge_quality(gate(judged_by="test"), versions(100, n_lost=0, n_won=50)).is_good
    assert "p = 0.0625 by a one-sided test, refused below 0.05" in found.detail
    assert judge_quality(gate(judged_by="test", max_drop=None), versions(100, n_lost=50)).limit is None


def test_settings_outside_their_bounds_are_refused() -> None:
    for settings in ({"level": 0.3}, {"level": 1}, {"judged_by": "luck"}, {"max_drop": -1}):
        with pytest.raises(ValidationError):
            gate(**settings)


def test_the_gate_needs_nothing_that_the_service_image_lacks() -> None:
    program = (
        "import sys; sys.modules.update(dict.fromkeys(('scipy', 'matplotlib', 'torch', 'sklearn')))\n"
        "import index.rebuild\n"
        "from tests.index.test_quality_gate import gate, judge_quality, versions\n"
        "print(judge_quality(gate(judged_by='test'), versions(60, n_lost=20)).is_good)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "False\n"
