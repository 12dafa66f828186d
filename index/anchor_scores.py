"""Before any request: the cross-encoder scores the anchor queries for the whole catalogue.

N corpus, Q anchor queries, D embedding.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bundle.errors import ConfigError, InvalidRecord, InvalidTable
from bundle.featurize import Record
from bundle.items import Items
from bundle.progress import Progress
from bundle.rerankers.contract import Reranker
from bundle.store import Bundle
from index.arrow_file import open_arrow
from index.attributes import AttributeColumns
from index.cur.kinds import AdacurKind, AnncurKind, CurReport
from index.manifest import ATTRIBUTES_FILE, CROSS_ENCODER_FILE
from index.queries import sample_queries
from index.reranked import ItemReranker, check_item_columns

FloatArray = NDArray[np.float32]
_ITEMS_A_CALL = 1024


def check_reranker(bundle: Bundle, kind: AdacurKind | AnncurKind, names: Sequence[str]) -> Reranker:
    """The bundle's cross-encoder, whose item columns are among `names` of attributes.

    Raises ConfigError where it has none, where they are not, or where the queries of the bundle are items.
    """
    reranker = bundle.rerankers.cross_encoder
    if reranker is None or bundle.manifest.queries_are == "items":
        why = "has no cross-encoder" if reranker is None else "takes items as queries"
        raise ConfigError(
            f"cross_encoder_search is set, but bundle '{bundle.bundle_id}' {why}; train one on query records with a "
            "[rerankers.cross_encoder] section, or leave cross_encoder_search out"
        )
    check_item_columns(reranker, names)
    return reranker


def score_anchors(
    kind: AdacurKind | AnncurKind,
    bundle: Bundle,
    base: Path,
    vectors_ND: FloatArray,
    folder: Path,
    seed: int,
    progress: Progress,
) -> CurReport:
    """Score, factorize and write the file of the version in `folder`, which has its attributes already.

    The report says what it cost.

    Raises ConfigError as `check_reranker`, beyond `kind.max_calls`, and where the table has so few queries that the
    factorization would be unstable; InvalidTable for the table of queries.
    """
    columns = AttributeColumns(open_arrow(folder / ATTRIBUTES_FILE, mmap=True))
    reranker = check_reranker(bundle, kind, columns.names)
    path = base / kind.queries
    anchor_QD, table = sample_queries(bundle, path, kind.n_queries, seed)
    records = Items(table, str(path)).records(bundle.query.featurizer.names)
    calls = len(records) * len(vectors_ND)
    if calls > kind.max_calls:
        raise ConfigError(
            f"{len(records)} anchor queries x {len(vectors_ND)} items are {calls} pairs for the cross-encoder, but "
            f"cross_encoder_search.max_calls is {kind.max_calls}; raise it, or lower n_queries"
        )
    try:
        kind.check(len(records), len(vectors_ND))
        for record in records:
            reranker.check_query(record)
    except InvalidRecord as error:
        raise InvalidTable(f"{path}: {error}", path=str(path)) from error
    except ValueError as error:
        raise ConfigError(f"cross_encoder_search: {error}") from error
    score_NQ = _score(ItemReranker.of(reranker, columns), records, len(vectors_ND), progress)
    stored, report = kind.fit(score_NQ, vectors_ND @ anchor_QD.T, seed)
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
