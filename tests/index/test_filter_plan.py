import math
from typing import Any

import pytest

from index.filter_plan import DEEPEST_FETCH, GATHER, Coverage, Plan, Problem, choose_plan, cost, wider
from index.kinds import IndexKind
from index.kinds.flat import FlatKind
from index.kinds.hnsw import HnswKind
from index.kinds.ivf_flat import IvfFlatKind
from index.kinds.semantic_prefix import SemanticPrefixKind

N_ROWS = 100_000
LISTS, GRAPH, FLAT = IvfFlatKind(nlist=1_024), HnswKind(), FlatKind()


def spread(share: float) -> Coverage:
    """A filter that has nothing to do with the vectors."""
    return Coverage(1_024, N_ROWS, 1_024, share)


def problem(kind: IndexKind, share: float, coverage: Coverage | None = None, **changes: Any) -> Problem:
    effort = {"ivf_flat": 16, "semantic_prefix": 16, "hnsw": 64}.get(kind.kind, 1)
    return Problem(**{**vars(Problem(kind, effort, 10, round(share * N_ROWS), N_ROWS, coverage)), **changes})


@pytest.mark.parametrize("kind", [LISTS, GRAPH, FLAT], ids=lambda kind: kind.kind)
@pytest.mark.parametrize("share", [0.0001, 0.001, 0.0049])
def test_a_small_set_is_scored_exactly_whatever_the_kind(kind: IndexKind, share: float) -> None:
    assert choose_plan(problem(kind, share, spread(share) if kind is LISTS else None)) == GATHER


def test_more_lists_are_probed_the_fewer_rows_are_allowed_up_to_sixteen_times() -> None:
    efforts = [choose_plan(problem(LISTS, share, spread(share))).effort for share in (0.5, 0.25, 0.1, 0.07)]
    assert efforts == [32, 64, 160, math.ceil(16 / 0.07)]
    many = Coverage(16_384, 10**7, 16_384, 0.05)
    assert choose_plan(problem(LISTS, 0.05, many, n_rows=10**7, n_allowed=500_000)).effort == 256


def test_the_index_skips_rows_only_while_few_are_allowed() -> None:
    assert choose_plan(problem(LISTS, 0.1, spread(0.1))).depth == 0
    assert choose_plan(problem(LISTS, 0.5, spread(0.5))).depth >= 20


def test_a_filter_that_goes_with_the_vectors_probes_more_of_the_lists_that_hold_any_row() -> None:
    together = Coverage(110, 12_700, 1_024, 0.8)
    assert choose_plan(problem(LISTS, 0.1, together)).effort == math.ceil(16 * 2.5 / 0.8)
    assert choose_plan(problem(LISTS, 0.1, Coverage(40, 12_700, 1_024, 0.8))).effort == 40


def test_a_kind_that_cannot_leave_out_lists_probes_as_many_more() -> None:
    kind = SemanticPrefixKind(n_prefixes=1_024)
    assert choose_plan(problem(kind, 0.1, Coverage(512, 20_000, 1_024, 0.5))).effort == 2 * 16 * 5
    assert choose_plan(problem(kind, 0.1, Coverage(512, 20_000, 1_024, 0.5))).depth == 0


def test_a_graph_is_asked_deeper_or_left_alone() -> None:
    assert choose_plan(problem(GRAPH, 0.5)) == Plan("fetch", 128, 37)
    plan = choose_plan(problem(GRAPH, 0.1))
    assert plan.effort == plan.depth > 100
    assert choose_plan(problem(GRAPH, 0.04)) == GATHER
    assert choose_plan(problem(GRAPH, 0.3, k=1_000)) == GATHER


@pytest.mark.parametrize("kind", [LISTS, GRAPH, FLAT], ids=lambda kind: kind.kind)
def test_every_chain_of_plans_ends_in_exact_scores(kind: IndexKind) -> None:
    for share in (0.01, 0.1, 0.3, 0.9, 1.0):
        asked = problem(kind, share, spread(share) if kind is LISTS else None)
        plan, steps = choose_plan(asked), 0
        while plan != GATHER:
            assert plan.depth <= DEEPEST_FETCH
            plan, steps = wider(plan, asked), steps + 1
        assert steps < 10


def test_a_query_kept_away_from_its_neighbours_gets_more_lists_of_which_rows_are_skipped() -> None:
    asked = problem(LISTS, 0.5, Coverage(900, 90_000, 1_024, 0.8))
    first = choose_plan(asked)
    assert (first.effort, first.depth > 0) == (math.ceil(16 * 2.5 / 0.8), True)
    assert wider(first, asked) == Plan("probe", 6 * first.effort)
    assert wider(Plan("probe", 300), asked) == Plan("probe", 900)
    assert wider(Plan("probe", 900), asked) == GATHER


def test_nothing_dearer_than_exact_scores_is_tried_first() -> None:
    for kind in (LISTS, GRAPH, FLAT):
        for share in (0.006, 0.02, 0.05, 0.1, 0.3, 0.6, 1.0):
            asked = problem(kind, share, spread(share) if kind is LISTS else None)
            assert cost(choose_plan(asked), asked) <= cost(GATHER, asked)


def test_on_a_device_that_skips_no_rows_lists_are_asked_deeper_within_its_limits() -> None:
    plan = choose_plan(problem(LISTS, 0.1, None))
    assert (plan.way, plan.effort) == ("fetch", 160)
    assert plan.depth <= DEEPEST_FETCH
    assert choose_plan(problem(LISTS, 0.1, None, k=500)) == GATHER
