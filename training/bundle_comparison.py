"""Bundles on the same part of the same tables: their hits as runs, and two of them side by side.

Letters: R ranked queries, K places of a list.
"""

from collections.abc import Sequence

import pyarrow as pa

from bundle.features import Feature
from evaluation.errors import QueriesDiffer
from evaluation.names import shortened
from evaluation.rankings import Run
from evaluation.side_by_side import ComparisonConfig, Names, Side, SideBySide, side_by_side
from evaluation.significance import SignificanceConfig
from training.compare import MODEL
from training.evaluate import Hits, top_hits
from training.evaluate_bundle import MeasuredBundle
from training.report.names import name_column

_METRICS = ("ndcg", "recall", "mrr", "hit_rate")


def answers(measured: MeasuredBundle) -> dict[str, dict[str, float]]:
    """The relevant items of every ranked query, with the grade 1."""
    item_ids, relevant = measured.dataset.items.item_ids, measured.comparison.rankings[MODEL].relevant
    return {
        query_id: {item_ids[item]: 1.0 for item in relevant.row(row).tolist()}
        for row, query_id in enumerate(measured.query_ids)
    }


def run_of(measured: MeasuredBundle, depth: int) -> Run:
    """The first `depth` items of every ranked query with their scores, named by the bundle."""
    hits, item_ids = _hits(measured, depth), measured.dataset.items.item_ids
    scores = {
        query_id: {item_ids[item]: score for item, score in zip(items_K, scores_K, strict=True) if item >= 0}
        for query_id, items_K, scores_K in zip(
            measured.query_ids, hits.items_RK.tolist(), hits.scores_RK.tolist(), strict=True
        )
    }
    return Run(measured.bundle_id, scores)


def compare_bundles(left: MeasuredBundle, right: MeasuredBundle, significance: SignificanceConfig) -> SideBySide:
    """Both on the same queries, by the metrics at the depths that both configs name.

    Raises QueriesDiffer unless the same queries are to find the same items, and where no depth is common.
    """
    grades = answers(left)
    if answers(right) != grades:
        raise QueriesDiffer(
            f"bundles {left.bundle_id} and {right.bundle_id} are not asked the same on the {left.part} part "
            f"({len(grades):,} and {len(answers(right)):,} queries, or with other answers); compare bundles whose "
            "configs have the same tables, the same split and the same evaluation.exclude_seen"
        )
    ks = [k for k in left.config.evaluation.ks if k in right.config.evaluation.ks]
    if not ks:
        raise QueriesDiffer(
            f"bundles {left.bundle_id} and {right.bundle_id} are measured at no common depth: evaluation.ks is "
            f"{left.config.evaluation.ks} and {right.config.evaluation.ks}"
        )
    metrics = [f"{kind}@{k}" for k in ks for kind in _METRICS]
    dataset, features = right.dataset, right.config.features
    items = _names(dataset.items.table, features.item, "item_id")
    queries = _names(dataset.queries.table, features.query, "query_id")
    names = Names(lambda ids: {one: items[one] for one in ids if one in items}, queries)
    config = ComparisonConfig(k=ks[0], significance=significance)
    return side_by_side(_side(left, ks[0], metrics), _side(right, ks[0], metrics), grades, names, config)


def _side(measured: MeasuredBundle, k: int, metrics: Sequence[str]) -> Side:
    hits, item_ids = _hits(measured, k), measured.dataset.items.item_ids
    rankings = {
        query_id: [item_ids[item] for item in items_K if item >= 0]
        for query_id, items_K in zip(measured.query_ids, hits.items_RK.tolist(), strict=True)
    }
    by_query = measured.comparison.rankings[MODEL].by_query()
    detail = f"{measured.config.objective.kind}, {measured.config.dimension} dimensions"
    return Side(measured.bundle_id, rankings, detail, {name: by_query[name] for name in metrics})


def _hits(measured: MeasuredBundle, k: int) -> Hits:
    found = measured.comparison
    return top_hits(
        found.score, found.queries, found.rankings[MODEL].query_R, k, measured.config.evaluation.exclude_seen
    )


def _names(table: pa.Table | None, features: Sequence[Feature], id_column: str) -> dict[str, str]:
    column = name_column(table, features, id_column)
    if table is None or column is None:
        return {}
    pairs = zip(table[id_column].to_pylist(), table[column].to_pylist(), strict=True)
    return {one: shortened(str(name)) for one, name in pairs if name}
