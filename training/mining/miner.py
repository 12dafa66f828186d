"""Mining: what the towers of this moment take for an answer, though training knows of none.

Letters: Q queries, V pairs, P pairs of positives, D embedding.
"""

from dataclasses import dataclass

import numpy as np
from pydantic import Field, model_validator

from bundle.config import Config
from training.epoch_hook import HookContext
from training.mining.filter import below_positive, lowest
from training.mining.pick import Sampling, pick
from training.mining.queries import TrainingQueries, embed_rows
from training.mining.search import Found, SearchKind, search
from training.model import embed
from training.ragged import BoolArray, FloatArray, IntArray, Ragged


class HardNegativesConfig(Config):
    """Hard negatives: items that score high for a query but are no positive of it, mined between epochs."""

    start_epoch: int = Field(
        default=1, ge=0, description="Epochs before the first mining; a model that knows nothing mines noise."
    )
    every: int = Field(default=1, ge=1, description="Epochs from one mining to the next.")
    depth: int = Field(default=100, ge=1, description="Items searched for each query.")
    range_min: int = Field(default=0, ge=0, description="Best items of each query that are left out unseen.")
    per_query: int = Field(default=20, ge=1, description="Mined items that each query keeps until the next mining.")
    per_step: int = Field(default=1, ge=1, description="Kept items drawn for each example of a step.")
    sampling: Sampling = Field(
        default="top",
        description="Which items are kept: the 'top' of the ranking, any at 'random', or every `stride`-th, in turns.",
    )
    stride: int = Field(default=5, ge=1, description="Step of sampling = 'stride'.")
    relative_margin: float | None = Field(
        default=0.05,
        ge=0,
        description="Items that score above the lowest positive's score, less this share of it, are dropped as likely "
        "positives; unset for no such limit.",
    )
    absolute_margin: float | None = Field(
        default=None, ge=0, description="The same with a fixed distance to the lowest positive's score."
    )
    max_score: float | None = Field(default=None, description="Items that score above this are dropped.")
    search: SearchKind = Field(
        default="exact", description="'exact' compares every item; 'faiss' an eighth of the catalogue's clusters."
    )

    @model_validator(mode="after")
    def _something_is_left(self) -> "HardNegativesConfig":
        if self.range_min >= self.depth:
            raise ValueError(f"range_min = {self.range_min} leaves nothing of the {self.depth} items searched (depth)")
        if self.per_step > self.per_query:
            raise ValueError(f"per_step = {self.per_step} is more than the {self.per_query} items kept (per_query)")
        return self

    def due(self, epoch: int) -> bool:
        """Whether items are mined before that epoch, counted from 0."""
        return epoch >= self.start_epoch and (epoch - self.start_epoch) % self.every == 0


@dataclass(frozen=True)
class Mined:
    """What a mining gave: by training query the items that passed the filter, best first.

    `positive_P`: scores of `queries.asked`. `dropped`: share of the searched items that the filter dropped.
    """

    queries: TrainingQueries
    found: Found
    positive_P: FloatArray
    dropped: float

    def select(self, keep_V: BoolArray) -> "Mined":
        """Only the pairs marked True."""
        return Mined(self.queries, self.found.select(keep_V), self.positive_P, self.dropped)

    @property
    def query_V(self) -> IntArray:
        """Dataset row of each pair's query."""
        return self.queries.query_rows_Q[self.found.items.row_index_V]

    def by_dataset_row(self, n_queries: int) -> Ragged:
        """The items by dataset query row."""
        return Ragged.group(self.query_V, self.found.items.values_V, n_queries)

    def logs(self) -> dict[str, float]:
        """Numbers worth a curve: mean score, share dropped by the filter, share of queries that have an item."""
        return {
            "mined_score": float(self.found.score_V.mean()) if len(self.found.score_V) else 0.0,
            "mined_filtered": self.dropped,
            "mined_queries": float((self.found.items.lengths > 0).mean()),
        }


class Miner:
    """Mines for all training queries; between two calls only the towers differ."""

    def __init__(self, config: HardNegativesConfig, context: HookContext) -> None:
        self.config = config
        self.n_queries = len(context.dataset.query_ids)
        self.queries = TrainingQueries.of(context.batches, self.n_queries)
        self._context = context

    def mine(self) -> Mined:
        """Search with the current towers, and filter."""
        config, context, queries = self.config, self._context, self.queries
        records = context.batches.examples.encoded
        query_QD = embed_rows(context.model.query, records, queries.example_Q, context.device)
        item_ND = embed(context.model.item, context.batches.items, context.device)
        found = search(query_QD, item_ND, queries.known, config.depth, config.search, context.seed)
        asked = queries.asked
        positive_P = np.einsum("pd,pd->p", query_QD[asked.row_index_V], item_ND[asked.values_V])
        keep_V = below_positive(
            found.items,
            found.score_V,
            lowest(asked, positive_P),
            relative=config.relative_margin,
            absolute=config.absolute_margin,
            ceiling=config.max_score,
        )
        dropped = 1 - float(keep_V.mean()) if len(keep_V) else 0.0
        place_V = np.arange(len(keep_V)) - np.repeat(found.items.offsets[:-1], found.items.lengths)
        return Mined(queries, found.select(keep_V & (place_V >= config.range_min)), positive_P, dropped)

    def choose(self, mined: Mined, rng: np.random.Generator) -> Mined:
        """What the queries keep until the next mining."""
        config = self.config
        return mined.select(pick(mined.found.items, config.per_query, config.sampling, config.stride, rng))
