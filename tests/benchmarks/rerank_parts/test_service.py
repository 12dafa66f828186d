"""The arithmetic of the benchmark of served reranking."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from benchmarks.rerank_parts.service import Answers, _kept, rescore_s


def test_the_second_stage_is_read_from_the_header() -> None:
    assert rescore_s("queue;dur=0.100, search;dur=2.000, rescore;dur=48.500, write;dur=0.010") == pytest.approx(0.0485)
    assert rescore_s("queue;dur=0.100") == 0


def test_rows_say_how_far_the_budget_was_used() -> None:
    results: list[Mapping[str, Any]] = [{"scored": 3, "degraded": {}}, {"scored": 5}, {"scored": 4, "degraded": {}}]
    answers = Answers(results, np.zeros(3), np.array([0.04, 0.06, 0.05]), 0.0)
    value = {row.metric: row.value for row in _kept(answers, 50)}
    assert value["elapsed_to_budget_p50"] == pytest.approx(1.0)
    assert value["elapsed_to_budget_p95"] == pytest.approx(1.18)
    assert value["scored_p50"] == 4 and value["out_of_time"] == pytest.approx(2 / 3)
