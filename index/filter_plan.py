"""How a filtered search is done: the cheapest of three ways that keep its recall.

N corpus, M allowed rows. Costs are in vectors of a contiguous scan; the constants were measured at 100,000 x 128 on one
core with faiss 1.15.1, where such a vector takes 0.019 microseconds.
"""

import math
from dataclasses import dataclass
from typing import Literal

from index.kinds import IndexKind
from index.kinds.flat import FlatKind
from index.kinds.graph_search import GraphSearch
from index.kinds.inverted_lists import InvertedLists

# Fetching an allowed row from wherever it lies and scoring it: 0.04 to 0.07 us.
GATHERED_ROW = 3.0
# A row of a probed list: looking it up in the bitmap, and scoring it by itself if it is allowed.
CHECKED_ROW, SELECTED_ROW = 0.25, 4.0
# A candidate that the graph search keeps: 1.4 us.
GRAPH_CANDIDATE = 75.0
# Below this share the nearest allowed rows lie in too many lists: at 0.1 % index recall was .54 with 32 of 1,024 lists
# and .998 with 256, which cost nine times as much as scoring all allowed rows.
SMALL_SHARE = 0.005
WIDEST = 16  # times the probes of an unfiltered search
# A filter that goes with the vectors: a query that it keeps away from its neighbours finds the next ones in lists whose
# order says less about them. With 141 probes of them index recall was .97, with 60 it was .92.
CORRELATED, CORRELATED_PROBES = 1.5, 2.5
GRAPH_EFFORT = 2  # times the ef_search of an unfiltered search, so that those of the k best that a graph misses are few
# The same for queries that are known to be kept away: from 4 probes without a filter, 64 to 128 gave index recall .98.
AWAY = 6
WIDER = 4  # times the probes or candidates of the try that was short
# Standard deviations of the number of allowed rows among the candidates that are fetched beyond those expected.
SPARE = 2.0
DEEPEST_FETCH = 2_048


@dataclass(frozen=True)
class Coverage:
    """Where the allowed rows lie: `n_lists` of all lists hold any, and these hold `n_rows`, allowed or not.

    `local_share` is the share of allowed rows among the others in the list of an allowed row, on average; where the
    filter has nothing to do with the vectors it is that of the corpus.
    """

    n_lists: int
    n_rows: int
    n_all_lists: int
    local_share: float


@dataclass(frozen=True)
class Problem:
    """The k best of `n_allowed` of `n_rows` rows are wanted.

    `effort` is the nprobe or ef_search without a filter; `coverage` is given where the index can skip rows.
    """

    kind: IndexKind
    effort: int
    k: int
    n_allowed: int
    n_rows: int
    coverage: Coverage | None


@dataclass(frozen=True)
class Plan:
    """One way to an answer; `effort` is the nprobe or ef_search of it.

    `gather`: score all allowed rows. `probe`: search lists with allowed rows; the index skips the other rows, or where
    most are allowed, finds `depth` of all, of which the allowed ones are kept. `fetch`: the same without lists.
    """

    way: Literal["gather", "probe", "fetch"]
    effort: int = 0
    depth: int = 0


GATHER = Plan("gather")


def choose_plan(problem: Problem) -> Plan:
    """The cheapest way that reaches the recall of the unfiltered index."""
    is_small = problem.n_allowed <= problem.k or problem.n_allowed < SMALL_SHARE * problem.n_rows
    if is_small or problem.k > DEEPEST_FETCH:
        return GATHER
    if problem.coverage is not None:
        plan = _probe(problem, problem.coverage)
    else:
        # No graph is searched under a filter: at 10 % allowed rows its index recall was .92, at 0.5 % .17.
        plan = _fetch(problem, _depth(problem.k, problem.n_allowed / problem.n_rows))
    return plan if cost(plan, problem) < cost(GATHER, problem) else GATHER


def wider(plan: Plan, problem: Problem) -> Plan:
    """What to try with the queries that `plan` left short; `gather` leaves none."""
    if plan.way == "fetch":
        deeper = _fetch(problem, WIDER * plan.depth)
        return deeper if cost(deeper, problem) < cost(GATHER, problem) else GATHER
    if plan.way == "probe" and problem.coverage is not None and (plan.depth or plan.effort < problem.coverage.n_lists):
        # Where candidates were too few, the filter keeps the query away from its neighbours: the index skips them now.
        return Plan("probe", min((AWAY if plan.depth else WIDER) * plan.effort, problem.coverage.n_lists))
    return GATHER


def cost(plan: Plan, problem: Problem) -> float:
    """What a query costs, in vectors of a contiguous scan."""
    if plan.way == "gather":
        return GATHERED_ROW * problem.n_allowed
    if plan.way == "probe" and problem.coverage is not None:
        lists = problem.coverage
        per_row = 1.0 if plan.depth else CHECKED_ROW + SELECTED_ROW * problem.n_allowed / lists.n_rows
        return lists.n_all_lists + per_row * plan.effort * lists.n_rows / lists.n_lists
    if plan.depth > min(DEEPEST_FETCH, problem.n_rows):
        return math.inf
    if isinstance(problem.kind, GraphSearch):
        return GRAPH_CANDIDATE * plan.effort
    return float(problem.n_rows) if isinstance(problem.kind, FlatKind) else 0.0  # a GPU scans lists for nothing


def _probe(problem: Problem, lists: Coverage) -> Plan:
    """More lists the fewer of their rows are allowed; the lists without any do not count."""
    share = max(lists.local_share, problem.n_allowed / lists.n_rows)
    is_correlated = share > CORRELATED * problem.n_allowed / problem.n_rows
    n_probes = problem.effort * min(WIDEST, (CORRELATED_PROBES if is_correlated else 1) / share)
    depth = min(_depth(problem.k, share), problem.n_rows) if CHECKED_ROW + SELECTED_ROW * share > 1 else 0
    if isinstance(problem.kind, InvertedLists) and not problem.kind.skips_lists:
        n_probes *= lists.n_all_lists / lists.n_lists
        return Plan("probe", min(lists.n_all_lists, math.ceil(n_probes)))
    return Plan("probe", min(lists.n_lists, math.ceil(n_probes)), depth)


def _fetch(problem: Problem, depth: int) -> Plan:
    if isinstance(problem.kind, InvertedLists):
        widened = math.ceil(problem.effort * min(WIDEST, problem.n_rows / problem.n_allowed))
        return Plan("fetch", min(problem.kind.n_lists or widened, widened, DEEPEST_FETCH), depth)
    return Plan("fetch", max(GRAPH_EFFORT * problem.effort, depth), depth)


def _depth(k: int, share: float) -> int:
    """How many rows hold k allowed ones, very likely."""
    return math.ceil((k + SPARE * math.sqrt(k) + SPARE) / share)
