"""The dual encoder: a query tower and an item tower over one feature spec.

Axes: V buckets + 1 of a text feature, N items.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from bundle.columns import EncodedRecords, RaggedColumn, batches_of_like_length
from bundle.features import Feature, FeatureSpec, TextFeature
from bundle.vocabulary import Vocabulary
from training.encoders.build import EncoderInputs
from training.encoders.semantic_id import FittedSemanticId
from training.item_graph import ItemGraph
from training.pretrained import PretrainedModels
from training.ragged import FloatArray, IntArray
from training.towers import TowerConfig
from training.towers.two_heads import TwoHeadsConfig

VALUES_A_BATCH = 32768  # padded tokens or n-grams: what attention and gathers of one batch take stays small


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
    pretrained: PretrainedModels = field(default_factory=PretrainedModels)
    heads: TwoHeadsConfig | None = None
    share_text: bool = False


@dataclass(frozen=True)
class TowerData:
    """What the data decides of a fresh tower.

    Text weights by feature, rows that begin at zero by vocabulary, semantic IDs by feature, neighbours of every item.
    """

    idf_V: Mapping[str, Tensor] = field(default_factory=dict)
    cold_rows: Mapping[str, IntArray] = field(default_factory=dict)
    semantic_ids: Mapping[str, FittedSemanticId] = field(default_factory=dict)
    item_graph: ItemGraph | None = None


def build_model(
    config: ModelConfig, vocabularies: Mapping[str, Vocabulary], query_data: TowerData, item_data: TowerData
) -> DualEncoder:
    """A fresh model; its weights come from torch's global generator. A table of both towers begins as the item's."""
    item_inputs = EncoderInputs(
        config.dimension,
        vocabularies,
        item_data.idf_V,
        cold_rows=item_data.cold_rows,
        pretrained=config.pretrained,
        text_tables={} if config.share_text else None,
        item_graph=item_data.item_graph,
        semantic_ids=item_data.semantic_ids,
    )
    unit_length = config.unit_length and config.heads is None  # heads bring their blocks to length themselves
    item: nn.Module = config.item_tower.build(config.spec.item, item_inputs, unit_length)
    query_inputs = EncoderInputs(
        config.dimension,
        vocabularies,
        query_data.idf_V,
        item_tables=item_inputs.tables,
        cold_rows=query_data.cold_rows,
        pretrained=config.pretrained,
        transformers=item_inputs.transformers,
        text_tables=item_inputs.text_tables,
        semantic_ids=query_data.semantic_ids,
    )
    query: nn.Module = config.query_tower.build(config.spec.query, query_inputs, unit_length)
    if config.heads is not None:
        item = config.heads.build(item, config.dimension, config.unit_length)
        query = item.sibling(query)
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
    pair_T = np.sort(record_T * n_buckets + column.values_T)  # numpy's `unique` hashes, at 16 times the cost
    first_T = np.ones(len(pair_T), dtype=np.bool_)
    first_T[1:] = pair_T[1:] != pair_T[:-1]
    return np.bincount(pair_T[first_T] % n_buckets, minlength=n_buckets).astype(np.float32)


def embed(tower: nn.Module, records: EncodedRecords, device: torch.device, batch_size: int = 1024) -> FloatArray:
    """Embeddings float32 [N, D] of encoded records in evaluation mode; texts of like length share a batch."""
    was_training = tower.training
    tower.eval()
    batches = batches_of_like_length(records.lengths(), batch_size, VALUES_A_BATCH)
    parts = []
    with torch.no_grad():
        for rows in batches:
            arrays = [torch.from_numpy(array).to(device) for array in records.batch(rows).values()]
            parts.append(tower(*arrays).cpu().numpy())
    tower.train(was_training)
    embedding_ND: FloatArray = np.empty((len(records), parts[0].shape[1]), dtype=np.float32)
    embedding_ND[np.concatenate(batches)] = np.concatenate(parts)
    return embedding_ND
