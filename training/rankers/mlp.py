"""A small ranker for any features: both sides encoded, then layers over the two encodings and their product.

Axes: B queries, C candidates, D encoding, U distinct rows.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from bundle.columns import EncodedRecords
from bundle.config import Config
from bundle.features import Feature
from training.batches import Records
from training.encoders import HistoryConfig
from training.encoders.build import EncoderInputs, build_encoder
from training.encoders.history_recency import HistoryRecencyConfig
from training.encoders.transformer import TransformerEncoder
from training.epoch_hook import HookContext
from training.errors import BadData
from training.fit_features import cold_item_rows
from training.mining.queries import TrainingQueries
from training.model import text_idf
from training.ragged import IntArray
from training.rankers.contract import Reads


class MlpRankerConfig(Config):
    """Encoders of its own for both sides, and a network over [query, item, query * item]."""

    kind: Literal["mlp"] = "mlp"
    dimension: int = Field(default=32, ge=2, description="Width of the encodings.")
    hidden: int = Field(default=64, ge=1, description="Width of the layer over them.")
    history: HistoryConfig = Field(
        default_factory=HistoryRecencyConfig, description="Encoder of every sequence feature of a query."
    )

    @property
    def reads(self) -> Reads:
        """The features alone."""
        return Reads()

    def build(self, context: HookContext) -> "MlpRanker":
        """A fresh ranker over the features of both towers, on the device of the run."""
        return MlpRanker(self, context).to(context.device)


class MlpRanker(nn.Module):
    """Implements Ranker for the training queries, each read as its last example shows it."""

    def __init__(self, config: MlpRankerConfig, context: HookContext) -> None:
        super().__init__()
        batches, features = context.batches, context.features
        examples = batches.examples
        queries = TrainingQueries.of(batches, len(context.dataset.query_ids))
        self._example_Q = np.full(len(context.dataset.query_ids), -1, dtype=np.int64)
        self._example_Q[queries.query_rows_Q] = queries.example_Q
        self._records: tuple[Records, Records] = examples.encoded, batches.items
        counts_N = np.bincount(examples.targets.values_V, minlength=len(batches.items)).astype(np.int64)
        cold_rows = cold_item_rows(features.vocabularies, counts_N)
        transformers: dict[str, TransformerEncoder] = {}

        def side(spec: Sequence[Feature], records: EncodedRecords) -> _Side:
            inputs = EncoderInputs(
                config.dimension,
                features.vocabularies,
                text_idf(spec, records),
                cold_rows=cold_rows,
                pretrained=context.pretrained,
                transformers=transformers,
            )
            return _Side(spec, config, inputs)

        self.query = side(features.query.features, examples.encoded.queries)
        self.item = side(features.item.features, batches.items)
        self.layers = nn.Sequential(
            nn.Linear(3 * config.dimension, config.hidden), nn.GELU(), nn.Linear(config.hidden, 1)
        )

    def score(self, query_rows_B: IntArray, item_rows_BC: IntArray) -> Tensor:
        """Scores float32 [B, C]; raises BadData for a query without a training example."""
        example_B = self._example_Q[query_rows_B]
        if (example_B < 0).any():
            raise BadData(f"query row {query_rows_B[example_B < 0][0]} has no training example to rank items for")
        query_BD = self._encode(self.query, self._records[0], example_B)
        item_BCD = self._encode(self.item, self._records[1], item_rows_BC)
        query_BCD = query_BD[:, None].expand_as(item_BCD)
        score_BC: Tensor = self.layers(torch.cat([query_BCD, item_BCD, query_BCD * item_BCD], -1))[..., 0]
        return score_BC

    def _encode(self, side: nn.Module, records: Records, rows: IntArray) -> Tensor:
        rows_U, place = np.unique(rows, return_inverse=True)
        device = next(self.layers.parameters()).device
        encoded_UD: Tensor = side(*(torch.from_numpy(array).to(device) for array in records.batch(rows_U).values()))
        return encoded_UD[torch.from_numpy(place.reshape(rows.shape)).to(device)]


class _Side(nn.Module):
    """The encoders of one side summed, to mean 0 and variance 1."""

    def __init__(self, features: Sequence[Feature], config: MlpRankerConfig, inputs: EncoderInputs) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(build_encoder(feature, config.history, inputs) for feature in features)
        self.norm = nn.LayerNorm(inputs.dimension)

    def forward(self, *arrays: Tensor) -> Tensor:
        """The arrays of the features, in their order -> float32 [U, D]."""
        parts = [encoder(array) for encoder, array in zip(self.encoders, arrays, strict=True)]
        encoded_UD: Tensor = self.norm(torch.stack(parts).sum(0))
        return encoded_UD
