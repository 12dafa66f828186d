"""The digest that tells one run of learning from another, so that no checkpoint is resumed on other data.

Axes: N interaction rows of a part.
"""

import hashlib
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa

from bundle.features import Feature
from training.config import TrainConfig
from training.dataset import Dataset
from training.rankers.contract import Reads
from training.splits import Split

_ROWS_A_BLOCK = 65536


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...


def run_id(config: TrainConfig, dataset: Dataset, split: Split, pretrained: Sequence[str] = ()) -> str:
    """SHA-256, in hex, of the settings and of all data that training reads: ids, interactions, feature columns.

    `pretrained`: digests of the pretrained models. Test pairs count with judgements only, of which they are dropped.
    """
    digest = hashlib.sha256("".join([config.model_dump_json(), *pretrained]).encode())
    data, judgements = dataset.interactions, dataset.judgements
    for rows_N in (split.train_N, split.validation_N):
        for name, values in (
            ("query", data.query_N),
            ("item", data.item_N),
            ("timestamp", data.timestamp_N),
            ("weight", data.weight_N),
            ("grade", data.grade_N),
        ):
            digest.update(f"{name} {None if values is None else len(rows_N)}".encode())
            if values is not None:
                digest.update(values[rows_N].tobytes())
    if judgements is not None:
        for values in (judgements.query_N, judgements.item_N, judgements.score_N):
            digest.update(f"judgements {len(values)}".encode() + values.tobytes())
        digest.update(data.query_N[split.test_N].tobytes() + data.item_N[split.test_N].tobytes())
    for ids in (dataset.items.item_ids, dataset.query_ids):
        digest.update("\0".join(ids).encode())
    reads = reads_of(config)
    _add_columns(digest, dataset.items.table, [*_names(config.features.item), *reads.item_columns])
    if dataset.queries.table is not None:
        _add_columns(digest, dataset.queries.table, [*_names(config.features.query), *reads.query_columns])
    return digest.hexdigest()


def reads_of(config: TrainConfig) -> Reads:
    """What the teacher reads besides the features."""
    return Reads() if config.teacher is None else config.teacher.reads


def _names(features: Sequence[Feature]) -> list[str]:
    return [feature.name for feature in features]


def _add_columns(digest: _Digest, table: pa.Table, names: Sequence[str]) -> None:
    """Digest the columns of these names that there are, as Arrow streams of blocks of rows."""
    read = table.select([name for name in dict.fromkeys(names) if name in table.column_names])
    read = read.replace_schema_metadata(None)
    for start in range(0, read.num_rows if read.num_columns else 0, _ROWS_A_BLOCK):
        stop = min(start + _ROWS_A_BLOCK, read.num_rows)
        # A fresh copy, so that neither chunks nor what lies in null slots counts.
        block = read.take(pa.array(np.arange(start, stop))).combine_chunks()
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, block.schema) as stream:
            stream.write_table(block)
        digest.update(sink.getvalue().to_pybytes())
