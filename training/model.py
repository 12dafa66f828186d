"""The dual encoder: a query tower and an item tower over one feature spec.

Axes: V buckets + 1 of a text feature, N items.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from bundle.columns import EncodedRecords, RaggedColumn
from bundle.features import Feature, FeatureSpec, TextFeature
from bundle.vocabulary import Vocabulary
from training.encoders.build import EncoderInputs
from training.ragged import FloatArray, IntArray
from training.towers import TowerConfig


class DualEncoder(nn.Module):
    """Two towers whose dot product is the score."""

    def __init__(self, query: nn.Module, item: nn.Module) -> None:
        super().__init__()
        self.query = query
        self.item = item


@dataclass(frozen=True)
class ModelConfig:
    """What of a training configuration shapes the model."""

    spec: FeatureSpec
    query_tower: TowerConfig
    item_tower: TowerConfig
    dimension: int
    unit_length: bool


@dataclass(frozen=True)
class TowerData:
    """What the data decides of a fresh tower: text weights by feature, rows that begin at zero by vocabulary."""

    idf_V: Mapping[str, Tensor] = field(default_factory=dict)
    cold_rows: Mapping[str, IntArray] = field(default_factory=dict)


def build_model(
    config: ModelConfig, vocabularies: Mapping[str, Vocabulary], query_data: TowerData, item_data: TowerData
) -> DualEncoder:
    """A fresh model; its weights come from torch's global generator. A table of both towers begins as the item's."""
    item_inputs = EncoderInputs(config.dimension, vocabularies, item_data.idf_V, cold_rows=item_data.cold_rows)
    item = config.item_tower.build(config.spec.item, item_inputs, config.unit_length)
    query_inputs = EncoderInputs(
        config.dimension,
        vocabularies,
        query_data.idf_V,
        item_tables=item_inputs.tables,
        cold_rows=query_data.cold_rows,
    )
    query = config.query_tower.build(config.spec.query, query_inputs, config.unit_length)
    return DualEncoder(query, item)


def text_idf(features: Sequence[Feature], records: EncodedRecords) -> dict[str, Tensor]:
    """Weights [V] of the n-gram buckets of each text feature: 1 + log((1 + N) / (1 + records that hold it))."""
    weights = {}
    for feature in features:
        column = records.columns.get(feature.name)
        if isinstance(feature, TextFeature) and isinstance(column, RaggedColumn):
            held_V = _records_holding(column, feature.buckets + 1)
            weights[feature.name] = torch.from_numpy(1 + np.log((1 + len(column)) / (1 + held_V))).float()
    return weights


def _records_holding(column: RaggedColumn, n_buckets: int) -> FloatArray:
    record_T = np.repeat(np.arange(len(column)), np.diff(column.offsets_N1))
    pairs = np.unique(record_T * n_buckets + column.values_T)
    return np.bincount(pairs % n_buckets, minlength=n_buckets).astype(np.float32)


def embed(tower: nn.Module, records: EncodedRecords, device: torch.device, batch_size: int = 1024) -> FloatArray:
    """Embeddings float32 [N, D] of encoded records in evaluation mode."""
    was_training = tower.training
    tower.eval()
    parts = []
    with torch.no_grad():
        for start in range(0, len(records), batch_size):
            rows = np.arange(start, min(start + batch_size, len(records)), dtype=np.int64)
            arrays = [torch.from_numpy(array).to(device) for array in records.batch(rows).values()]
            parts.append(tower(*arrays).cpu().numpy())
    tower.train(was_training)
    embedding_ND: FloatArray = np.concatenate(parts)
    return embedding_ND
