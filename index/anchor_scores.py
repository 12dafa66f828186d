"""Before any request: the cross-encoder scores the anchor queries for the whole catalogue.

N corpus, Q anchor queries, D embedding.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bundle.errors import ConfigError
from bundle.featurize import Record
from bundle.items import Items
from bundle.progress import Progress
from bundle.store import Bundle
from index.attributes import AttributeColumns
from index.cur.kinds import AdacurKind, AnncurKind, CurReport
from index.manifest import CROSS_ENCODER_FILE
from index.queries import sample_queries
from index.reranked import ItemReranker

FloatArray = NDArray[np.float32]
_ITEMS_A_CALL = 1024


def build_cross_encoder_search(
    kind: AdacurKind | AnncurKind,
    bundle: Bundle,
    base: Path,
    columns: AttributeColumns,
    vectors_ND: FloatArray,
    folder: Path,
    seed: int,
    progress: Progress,
) -> CurReport:
    """Score, factorize and write the file of one version; the report says what it cost.

    Raises ConfigError where the bundle has no reranker, where its queries are items, or beyond `kind.max_calls`;
    InvalidTable for the table of queries.
    """
    if bundle.reranker is None or bundle.manifest.queries_are == "items":
        why = "has no reranker" if bundle.reranker is None else "takes items as queries"
        raise ConfigError(
            f"cross_encoder_search is set, but bundle '{bundle.bundle_id}' {why}; train one on query records with a "
            "[reranker] section, or leave cross_encoder_search out"
        )
    path = base / kind.queries
    anchor_QD, table = sample_queries(bundle, path, kind.n_queries, seed)
    records = Items(table, str(path)).records(bundle.query.featurizer.names)
    calls = len(records) * len(vectors_ND)
    if calls > kind.max_calls:
        raise ConfigError(
            f"{len(records)} anchor queries x {len(vectors_ND)} items are {calls} pairs for the cross-encoder, but "
            f"cross_encoder_search.max_calls is {kind.max_calls}; raise it, or lower n_queries"
        )
    score_NQ = _score(ItemReranker.of(bundle.reranker, columns), records, len(vectors_ND), progress)
    try:
        stored, report = kind.fit(score_NQ, vectors_ND @ anchor_QD.T, seed)
    except ValueError as error:  # fewer queries or items than were asked for may be an unstable pair of numbers
        raise ConfigError(f"cross_encoder_search: {error}") from error
    np.save(folder / CROSS_ENCODER_FILE, stored)
    return report


def _score(items: ItemReranker, records: Sequence[Record], n_items: int, progress: Progress) -> FloatArray:
    score_NQ = np.empty((n_items, len(records)), dtype=np.float32)
    progress.start("score anchor queries", n_items * len(records))
    for q, record in enumerate(records):
        for start in range(0, n_items, _ITEMS_A_CALL):
            rows_M = np.arange(start, min(start + _ITEMS_A_CALL, n_items))
            score_NQ[rows_M, q] = items.score(record, rows_M)
            progress.advance(len(rows_M))
    progress.finish()
    return score_NQ
