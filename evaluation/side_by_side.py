"""Two systems on one set of queries, side by side: what changed, how sure that is, and the queries to look at."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from pydantic import Field

from bundle.config import Config
from evaluation.errors import NothingToMeasure, QueriesDiffer
from evaluation.metrics import Metric, Relevance, measure
from evaluation.paired import TIE, PairedResult, compare_paired
from evaluation.rankings import FloatArray, Grades, Rankings, judge
from evaluation.significance import Estimate, SignificanceConfig, estimates

Outcome = Literal["better", "worse", "undecided", "equal", "unknown"]


class ComparisonConfig(Config):
    """What of two systems is compared."""

    k: int = Field(default=10, ge=1, description="Hits of each query that count.")
    metrics: tuple[str, ...] = Field(
        default=(), description="Metrics; the first orders the queries. nDCG, recall, MRR and hit rate at k if empty."
    )
    gain: Literal["linear", "exponential"] = Field(
        default="linear", description="nDCG's gain of a grade: the grade itself, or 2^grade - 1."
    )
    relevant_above: float = Field(
        default=0, description="The grade that an item must exceed to be relevant, for all metrics but nDCG."
    )
    n_shown: int = Field(default=6, ge=0, description="Queries of each group that are shown with their hits, at most.")
    significance: SignificanceConfig = Field(default=SignificanceConfig(), description="How certainty is measured.")

    @property
    def asked(self) -> list[Metric]:
        """The metrics, with the default ones filled in; raises UnknownMetric."""
        names = self.metrics or tuple(f"{kind}@{self.k}" for kind in ("ndcg", "recall", "mrr", "hit_rate"))
        return [Metric.parse(name) for name in names]


@dataclass(frozen=True)
class Side:
    """What one system returned.

    `values`: by metric, in the order of the graded queries, where they were measured already, perhaps with other rules
    for ties; the configured metrics of the rankings where they were not.
    """

    name: str
    rankings: Rankings
    detail: str = ""
    values: Mapping[str, FloatArray] | None = None


@dataclass(frozen=True)
class Names:
    """What people call items, asked for by their ids, and queries, by their id; the id where nothing is known."""

    items: Callable[[Sequence[str]], Mapping[str, str]] = lambda ids: {}
    queries: Mapping[str, str] | None = None


class SideFacts(Config):
    """One of the two systems."""

    name: str = Field(description="Name of the system: a bundle, an index version, a run.")
    detail: str = Field(default="", description="What else is known of it.")
    judged: float | None = Field(default=None, description="Share of its first k hits that have a grade.")


class QueryValues(Config):
    """One query; values are those of the first metric, None without grades."""

    query_id: str = Field(description="Id of the query.")
    left: float | None = Field(default=None, description="Value of the left system.")
    right: float | None = Field(default=None, description="Value of the right system.")
    overlap: float = Field(description="Share of the first k hits that both have.")

    @property
    def difference(self) -> float:
        """Right less left; 0 for a tie and without grades."""
        found = 0.0 if self.left is None or self.right is None else self.right - self.left
        return found if abs(found) >= TIE else 0.0


class ListedItem(Config):
    """An item in a list of hits."""

    item_id: str = Field(description="Id of the item.")
    name: str = Field(description="What people call it.")
    grade: float | None = Field(default=None, description="Its grade; None where nobody judged it.")
    is_relevant: bool = Field(default=False, description="Whether that grade makes it relevant.")
    other_place: int | None = Field(default=None, description="Its place among the other system's first k hits.")


class ShownQuery(Config):
    """A query to look at."""

    name: str = Field(description="What people call the query.")
    values: QueryValues = Field(description="What it is worth to both.")
    left: tuple[ListedItem, ...] = Field(description="The left system's first k hits.")
    right: tuple[ListedItem, ...] = Field(description="The right system's first k hits.")
    missed: tuple[ListedItem, ...] = Field(default=(), description="Relevant items in neither list.")


class SideBySide(Config):
    """The whole comparison, as the page shows it and as JSON keeps it."""

    left: SideFacts = Field(description="The system that is compared with, usually the older one.")
    right: SideFacts = Field(description="The system in question.")
    k: int = Field(description="Hits of each query that count.")
    n_queries: int = Field(description="Queries that both were asked.")
    n_without_answer: int = Field(description="Queries with no relevant item; they count as 0 for both.")
    gain: str = Field(description="nDCG's gain of a grade.")
    results: tuple[PairedResult, ...] = Field(description="Every metric; none without grades.")
    overlap: Estimate = Field(description="Share of the first k hits that both have, mean over the queries.")
    worst: tuple[ShownQuery, ...] = Field(description="Queries that lose most by the first metric.")
    best: tuple[ShownQuery, ...] = Field(description="Queries that gain most by the first metric.")
    changed: tuple[ShownQuery, ...] = Field(description="Queries that neither gain nor lose, with the least overlap.")
    queries: tuple[QueryValues, ...] = Field(description="Every query.")
    significance: SignificanceConfig = Field(description="How certainty was measured.")

    @property
    def outcome(self) -> Outcome:
        """What the first metric says of the right system.

        'better' and 'worse' need a test that is significant at the level and an interval without 0 (differences that
        are all alike have none, and need the test alone); what has but one of them is 'undecided'.
        """
        first = self.results[0] if self.results else None
        if first is None or (self.n_queries == 1 and first.difference.mean):
            return "unknown"
        if first.wins == first.losses == 0:
            return "equal"
        low, high = first.difference.low, first.difference.high
        holds_zero = low is not None and high is not None and low <= 0 <= high
        if holds_zero or first.p_value >= 1 - self.significance.level:
            return "undecided"
        return "better" if first.difference.mean > 0 else "worse"


DEFAULT_COMPARISON = ComparisonConfig()


def side_by_side(
    left: Side,
    right: Side,
    grades: Grades | None,
    names: Names = Names(),
    config: ComparisonConfig = DEFAULT_COMPARISON,
) -> SideBySide:
    """Compare on the queries that have grades, or without grades on those that both ranked.

    A query that a side did not rank counts as one that returned nothing. Raises NothingToMeasure, InvalidJudgements,
    UnknownMetric, and QueriesDiffer where without grades the two ranked other queries.
    """
    query_ids = _query_ids(left, right, grades)
    tops = [{one: list(side.rankings.get(one, ()))[: config.k] for one in query_ids} for side in (left, right)]
    sides = [_measured(side, grades, query_ids, config) for side in (left, right)]
    queries = _query_values(query_ids, tops, [one.values for one in sides])
    groups = _groups(queries, config.n_shown)
    above, shown = config.relevant_above, [one for group in groups for one in group]
    show = _Shower(tops, grades or {}, above, names, shown)
    worst, best, changed = (tuple(map(show.query, group)) for group in groups)
    is_answered = [any(grade > above for grade in (grades or {}).get(one, {}).values()) for one in query_ids]
    return SideBySide(
        left=sides[0].facts,
        right=sides[1].facts,
        k=config.k,
        n_queries=len(query_ids),
        n_without_answer=0 if grades is None else is_answered.count(False),
        gain=config.gain,
        results=tuple(compare_paired(sides[0].values, sides[1].values, config.significance)) if grades else (),
        overlap=estimates([[one.overlap] for one in queries], config.significance)[0],
        worst=worst,
        best=best,
        changed=changed,
        queries=tuple(queries),
        significance=config.significance,
    )


class _Measured(NamedTuple):
    facts: SideFacts
    values: Mapping[str, FloatArray]


def _measured(side: Side, grades: Grades | None, query_ids: Sequence[str], config: ComparisonConfig) -> _Measured:
    """Values by metric and what is known of a side; no values without grades."""
    if grades is None:
        return _Measured(SideFacts(name=side.name, detail=side.detail), {})
    judged, at_k = judge(side.rankings, grades, query_ids), Metric("judged", config.k)
    share = float(measure(judged, [at_k])[str(at_k)].mean())
    values = side.values or measure(judged, config.asked, Relevance(config.gain, config.relevant_above))
    return _Measured(SideFacts(name=side.name, detail=side.detail, judged=share), values)


def _query_values(
    query_ids: Sequence[str],
    tops: Sequence[Mapping[str, Sequence[str]]],
    values: Sequence[Mapping[str, FloatArray]],
) -> list[QueryValues]:
    first = next(iter(values[0]), None)
    left, right = (side[first].tolist() if first else [None] * len(query_ids) for side in values)
    return [
        QueryValues(query_id=one, left=a, right=b, overlap=_overlap(*(top[one] for top in tops)))
        for one, a, b in zip(query_ids, left, right, strict=True)
    ]


def _query_ids(left: Side, right: Side, grades: Grades | None) -> list[str]:
    if grades is not None:
        return list(grades)
    if set(left.rankings) != set(right.rankings):
        n_common = len(set(left.rankings) & set(right.rankings))
        raise QueriesDiffer(
            f"'{left.name}' ranked {len(left.rankings):,} queries and '{right.name}' {len(right.rankings):,}, "
            f"{n_common:,} of them the same; without grades both must rank the same queries"
        )
    if not left.rankings:
        raise NothingToMeasure("no query was ranked; give at least one")
    return list(left.rankings)


def _overlap(left: Sequence[str], right: Sequence[str]) -> float:
    """Hits that both have, as a share of the longer list; 1 where both are empty."""
    longer = max(len(left), len(right))
    return len(set(left) & set(right)) / longer if longer else 1.0


def _groups(queries: Sequence[QueryValues], n_shown: int) -> list[list[QueryValues]]:
    """The most losing, the most winning, and of the rest those whose hits changed most."""
    by_loss = sorted(queries, key=lambda one: (one.difference, one.overlap))
    by_gain = sorted(queries, key=lambda one: (-one.difference, one.overlap))
    worst = [one for one in by_loss[:n_shown] if one.difference < 0]
    best = [one for one in by_gain[:n_shown] if one.difference > 0]
    changed = [one for one in queries if one.difference == 0 and one.overlap < 1]
    return [worst, best, sorted(changed, key=lambda one: one.overlap)[:n_shown]]


class _Shower:
    """Makes shown queries, with the names of all their items asked for at once."""

    def __init__(
        self,
        tops: Sequence[Mapping[str, Sequence[str]]],
        grades: Grades,
        above: float,
        names: Names,
        queries: Sequence[QueryValues],
    ) -> None:
        self._tops, self._grades, self._above, self._query_names = tops, grades, above, names.queries or {}
        ids = {item_id for top in tops for one in queries for item_id in top[one.query_id]}
        ids |= {item_id for one in queries for item_id in grades.get(one.query_id, ())}
        self._item_names = names.items(sorted(ids))

    def query(self, values: QueryValues) -> ShownQuery:
        query_id = values.query_id
        left, right = (top[query_id] for top in self._tops)
        grades = self._grades.get(query_id, {})
        relevant = sorted((one for one, grade in grades.items() if grade > self._above), key=lambda one: -grades[one])
        return ShownQuery(
            name=self._query_names.get(query_id, query_id),
            values=values,
            left=tuple(self._item(one, grades, right) for one in left),
            right=tuple(self._item(one, grades, left) for one in right),
            missed=tuple(self._item(one, grades, ()) for one in relevant if one not in {*left, *right}),
        )

    def _item(self, item_id: str, grades: Mapping[str, float], other: Sequence[str]) -> ListedItem:
        place = other.index(item_id) + 1 if item_id in other else None
        grade = grades.get(item_id)
        return ListedItem(
            item_id=item_id,
            name=self._item_names.get(item_id, item_id),
            grade=grade,
            is_relevant=grade is not None and grade > self._above,
            other_place=place,
        )
