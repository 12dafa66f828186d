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
from training.splits import Split

_ROWS_A_BLOCK = 65536


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...


def run_id(config: TrainConfig, dataset: Dataset, split: Split, pretrained: Sequence[str] = ()) -> str:
    """SHA-256, in hex, of the settings and of all data that training reads: ids, interactions, feature columns.

    `pretrained`: digests of the pretrained models.
    """
    digest = hashlib.sha256("".join([config.model_dump_json(), *pretrained]).encode())
    for rows_N in (split.train_N, split.validation_N):
        data = dataset.interactions
        for name, values in (
            ("query", data.query_N),
            ("item", data.item_N),
            ("timestamp", data.timestamp_N),
            ("weight", data.weight_N),
        ):
            digest.update(f"{name} {None if values is None else len(rows_N)}".encode())
            if values is not None:
                digest.update(values[rows_N].tobytes())
    for ids in (dataset.items.item_ids, dataset.query_ids):
        digest.update("\0".join(ids).encode())
    _add_columns(digest, dataset.items.table, config.features.item)
    if dataset.queries.table is not None:
        _add_columns(digest, dataset.queries.table, config.features.query)
    return digest.hexdigest()


def _add_columns(digest: _Digest, table: pa.Table, features: Sequence[Feature]) -> None:
    """Digest the columns that the features read, as Arrow streams of blocks of rows."""
    read = table.select([f.name for f in features if f.name in table.column_names]).replace_schema_metadata(None)
    for start in range(0, read.num_rows if read.num_columns else 0, _ROWS_A_BLOCK):
        stop = min(start + _ROWS_A_BLOCK, read.num_rows)
        # A fresh copy, so that neither chunks nor what lies in null slots counts.
        block = read.take(pa.array(np.arange(start, stop))).combine_chunks()
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, block.schema) as stream:
            stream.write_table(block)
        digest.update(sink.getvalue().to_pybytes())
