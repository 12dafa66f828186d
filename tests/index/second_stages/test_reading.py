"""What comes out when a reranker scores some, fails, or has no time."""

import logging

import numpy as np
import pytest

from index.errors import RerankerFailed
from index.kinds.flat import FlatKind
from index.ranking import Queries
from index.second_stages.contract import OnFailure, Report, RerankerConfig, Runtime
from index.second_stages.paced import PacedReader
from index.second_stages.reading import ReadingStage
from tests.contracts.index_kind import clustered
from tests.index.second_stages.timed import Clock, FailingReranker, TimedReranker, found, over
from tests.index.test_ranking import role
from tests.index.worded import TableReranker

N_ITEMS = 64
SCORES_BN = np.random.default_rng(0).standard_normal((4, N_ITEMS))
ROLE = role(clustered(N_ITEMS), FlatKind())


def stage(
    reranker: TableReranker,
    budget_ms: float | None = None,
    clock: Clock | None = None,
    on_failure: OnFailure | None = None,
    setting: OnFailure = "first_stage",
) -> ReadingStage:
    clock = clock or Clock()
    runtime = Runtime(ROLE, over(reranker, N_ITEMS), setting, clock)
    config = RerankerConfig(budget_ms=budget_ms, on_failure=on_failure)
    return ReadingStage(PacedReader(runtime.reader(), clock=clock), config, runtime)


def queries(*numbers: int) -> Queries:
    return Queries(records=[{"text": str(number)} for number in numbers])


def test_what_was_not_scored_keeps_its_order_behind_what_was() -> None:
    clock, rows = Clock(), [40, 3, 17, 25, 9, 60]
    table = TimedReranker(SCORES_BN, np.ones(N_ITEMS), clock)
    ordered = stage(table, budget_ms=3000, clock=clock).order(queries(0), found(rows), 6)
    led = sorted(rows[:3], key=lambda row: -SCORES_BN[0, row])
    assert ordered.ranking.rows_BR.tolist() == [led + rows[3:]]
    wanted = [*SCORES_BN[0, led], 1 / 4, 1 / 5, 1 / 6]
    np.testing.assert_allclose(ordered.ranking.scores_BR, [wanted], rtol=1e-6)
    assert ordered.reports is not None
    report = ordered.reports[0]
    assert report.n_scored == 3 and report.degraded is not None
    assert report.degraded.reason == "out_of_time"
    assert report.degraded.detail == "3 of 6 candidates were scored within budget_ms; raise it, or lower depth"


def test_queries_that_are_answered_together_share_the_budget() -> None:
    clock, rows = Clock(), list(range(20))
    table = TimedReranker(SCORES_BN, np.ones(N_ITEMS), clock)
    ordered = stage(table, budget_ms=12_000, clock=clock).order(queries(0, 1, 2), found(rows, rows, rows), 5)
    assert ordered.reports is not None
    assert [report.n_scored for report in ordered.reports] == [4, 4, 4]
    assert clock.now == pytest.approx(112)
    few = found([1, 2], [3, 4], rows[:2])  # what the first leave over is for the last
    assert stage(table, 12_000, clock).order(queries(0, 1, 2), few, 5).reports == [Report(2), Report(2), Report(2)]


@pytest.mark.parametrize(
    ("error", "reason", "named"),
    [
        (RuntimeError("no memory for node 7"), "failed", "the reranker failed (RuntimeError); try again"),
        (None, "not_a_number", "gave scores that are not numbers"),
    ],
)
def test_a_query_that_it_fails_on_keeps_the_first_stage(
    error: Exception | None, reason: str, named: str, caplog: pytest.LogCaptureFixture
) -> None:
    reranker = FailingReranker(SCORES_BN, 17, error)
    rows = [[40, 3, 17, 25], [1, 2, 5, 4]]
    with caplog.at_level(logging.ERROR):
        ordered = stage(reranker).order(queries(0, 1), found(*rows), 4)
    assert ordered.ranking.rows_BR[0].tolist() == rows[0]
    np.testing.assert_allclose(ordered.ranking.scores_BR[0], [1, 1 / 2, 1 / 3, 1 / 4])
    assert ordered.ranking.rows_BR[1].tolist() == sorted(rows[1], key=lambda row: -SCORES_BN[1, row])
    assert ordered.reports is not None and ordered.reports[1] == Report(4)
    failed = ordered.reports[0]
    assert failed.n_scored == 0 and failed.degraded is not None and failed.degraded.reason == reason
    assert named in failed.degraded.detail and "no memory" not in failed.degraded.detail
    assert caplog.records[0].message == "reranker failed" and caplog.records[0].exc_info is not None


@pytest.mark.parametrize(("asked", "setting"), [("error", "first_stage"), (None, "error")])
def test_a_failure_is_an_error_where_request_or_setting_say_so(asked: OnFailure | None, setting: OnFailure) -> None:
    failing = FailingReranker(SCORES_BN, 17, RuntimeError("x"))
    with pytest.raises(RerankerFailed, match="RuntimeError") as caught:
        stage(failing, on_failure=asked, setting=setting).order(queries(0), found([3, 17]), 2)
    assert caught.value.context["reason"] == "failed"
    clock = Clock()
    slow = TimedReranker(SCORES_BN, np.ones(N_ITEMS), clock)
    with pytest.raises(RerankerFailed, match="1 of 2 candidates were scored within budget_ms") as caught:
        stage(slow, 1500, clock, asked, setting).order(queries(0), found([3, 17]), 2)
    assert caught.value.context["reason"] == "out_of_time"


def test_a_request_may_forgive_what_the_setting_does_not() -> None:
    failing = FailingReranker(SCORES_BN, 17, RuntimeError("x"))
    ordered = stage(failing, on_failure="first_stage", setting="error").order(queries(0), found([3, 17]), 2)
    assert ordered.ranking.rows_BR.tolist() == [[3, 17]]


def test_equal_scores_keep_the_order_of_the_first_stage() -> None:
    ordered = stage(TableReranker(np.zeros((1, N_ITEMS)))).order(queries(0), found([9, 2, 30, 1]), 3)
    assert ordered.ranking.rows_BR.tolist() == [[9, 2, 30]]


def test_no_candidates_are_no_failure() -> None:
    clock = Clock()
    for budget_ms in (None, 1000.0):
        table = TimedReranker(SCORES_BN, np.ones(N_ITEMS), clock)
        ordered = stage(table, budget_ms, clock).order(queries(0), found([]), 5)
        assert ordered.ranking.rows_BR.shape == (1, 0)
        assert ordered.reports == [Report(0)]


def test_padding_of_the_first_stage_is_never_read() -> None:
    short = found([5, 6, 7], [8, 9, -1], total=2)
    ordered = stage(TableReranker(SCORES_BN)).order(queries(0, 1), short, 3)
    assert sorted(ordered.ranking.of(1, 3)[1].tolist()) == [8, 9]
