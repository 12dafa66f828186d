"""A reranker held to a budget of time and to a gap, on a clock that only it moves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.ranking import Queries
from index.second_stages.found import Found
from index.second_stages.paced import GROUP, PacedReader
from tests.index.second_stages.timed import Clock, TimedReranker, over

N_ITEMS = 64
SCORES_BN = np.random.default_rng(0).standard_normal((1, N_ITEMS))
QUERY = Queries(records=[{"text": "0"}])


def asked(clock: Clock, budget_s: float | None, k: int = 3, n_candidates: int = 40) -> Found:
    rows = np.arange(n_candidates)[::-1].copy()
    until = None if budget_s is None else clock.now + budget_s
    return Found(QUERY, np.linspace(1, 0, n_candidates, dtype=np.float32), rows, k, until)


def test_without_budget_and_gap_all_are_scored_at_once() -> None:
    clock = Clock()
    table = TimedReranker(SCORES_BN, np.ones(N_ITEMS), clock)
    scored = PacedReader(over(table, N_ITEMS), clock=clock).scores(asked(clock, None))
    np.testing.assert_array_equal(scored.score_S, SCORES_BN[0, :40][::-1].astype(np.float32))
    assert not scored.is_out_of_time
    assert table.calls_of_pairs == []


@given(
    seed=st.integers(0, 1000),
    budget_s=st.floats(0.001, 60),
    foreseen=st.sampled_from([0.7, 1.0, 1.3]),
    spread=st.sampled_from([0.0, 0.5]),
)
@settings(max_examples=80, deadline=None)
def test_the_budget_is_missed_by_what_one_pair_was_not_foreseen_to_take(
    seed: int, budget_s: float, foreseen: float, spread: float
) -> None:
    clock, seconds_N = Clock(), 1 + spread * (np.random.default_rng(seed).random(N_ITEMS) - 0.5)
    table = TimedReranker(SCORES_BN, seconds_N, clock, foreseen)
    found = asked(clock, budget_s)
    scored = PacedReader(over(table, N_ITEMS), clock=clock).scores(found)
    assert found.until is not None
    assert clock.now <= found.until + max(0, 1 - foreseen) * 1.25 / foreseen + 1e-6
    assert scored.is_out_of_time == (len(scored.score_S) < 40)
    if scored.is_out_of_time:  # nothing that would have fitted was left
        assert found.until - clock.now < foreseen * seconds_N[found.row_C[len(scored.score_S)]] + 1e-6
    np.testing.assert_array_equal(scored.score_S, SCORES_BN[0, found.row_C[: len(scored.score_S)]].astype(np.float32))


def test_what_was_never_measured_begins_with_one_pair() -> None:
    clock = Clock()
    table = TimedReranker(SCORES_BN, np.full(N_ITEMS, 0.5), clock, foreseen=None)
    scored = PacedReader(over(table, N_ITEMS), clock=clock).scores(asked(clock, 2.0))
    assert table.calls_of_pairs == [1, 1, 1, 1]
    assert len(scored.score_S) == 4 and scored.is_out_of_time


def test_a_group_is_scored_at_once_where_it_takes_little_of_the_time() -> None:
    clock = Clock()
    table = TimedReranker(SCORES_BN, np.ones(N_ITEMS), clock)
    PacedReader(over(table, N_ITEMS), clock=clock).scores(asked(clock, 20.0))
    assert table.calls_of_pairs == [8, 4, 4, 2, 1, 1]


def test_no_time_at_all_scores_nothing() -> None:
    clock = Clock()
    table = TimedReranker(SCORES_BN, np.ones(N_ITEMS), clock)
    scored = PacedReader(over(table, N_ITEMS), clock=clock).scores(asked(clock, 0.0))
    assert scored.is_out_of_time and len(scored.score_S) == 0 and table.calls == 0


@given(seed=st.integers(0, 1000), k=st.integers(1, 12), gap=st.floats(0, 3))
@settings(max_examples=80, deadline=None)
def test_it_stops_after_the_first_group_that_comes_nowhere_near(seed: int, k: int, gap: float) -> None:
    clock, scores_N = Clock(), np.random.default_rng(seed).standard_normal(N_ITEMS) - np.arange(N_ITEMS)[::-1] / 10
    table = TimedReranker(scores_N[None], np.ones(N_ITEMS), clock)
    found = asked(clock, None, k, n_candidates=N_ITEMS)
    scored = PacedReader(over(table, N_ITEMS), gap, clock).scores(found)
    in_order = scores_N[found.row_C].astype(np.float32)
    ends = [
        end
        for end in range(GROUP, N_ITEMS + 1, GROUP)
        if end >= k + GROUP and in_order[end - GROUP : end].max() < np.sort(in_order[:end])[-k] - gap
    ]
    assert len(scored.score_S) == (ends[0] if ends else N_ITEMS)
    assert not scored.is_out_of_time


def test_a_gap_by_hand() -> None:
    clock, scores_N = Clock(), np.zeros(32)
    scores_N[:8], scores_N[8:16], scores_N[16:24], scores_N[24:] = 5, 4.6, 4.4, 9
    found = Found(QUERY, np.linspace(1, 0, 32, dtype=np.float32), np.arange(32), 3)
    for gap, n_scored in ((0.3, 16), (0.5, 24), (0.7, 32)):
        table = TimedReranker(scores_N[None], np.ones(32), clock)
        assert len(PacedReader(over(table, 32), gap, clock).scores(found).score_S) == n_scored


def test_a_query_without_a_record_has_nothing_to_read() -> None:
    clock = Clock()
    reader = PacedReader(over(TimedReranker(SCORES_BN, np.ones(N_ITEMS), clock), N_ITEMS), clock=clock)
    found = Found(Queries(np.zeros((1, 2), dtype=np.float32)), np.ones(1, dtype=np.float32), np.arange(1), 1)
    with pytest.raises(ValueError, match="needs the records of its queries"):
        reader.scores(found)
