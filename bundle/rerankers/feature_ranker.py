"""The feature ranker as served: a small network over the features of a query and an item.

M items of one query, N items of a catalogue.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from bundle.columns import Array
from bundle.encoders import NumberStatistics
from bundle.errors import BundleCorrupt
from bundle.featurize import Featurizer
from bundle.rerankers.item_statistics import KnownItems
from bundle.rerankers.pair_features import (
    AskingQuery,
    FloatArray,
    IntArray,
    ItemSide,
    PairFeatures,
    PairFeatureSpec,
)
from bundle.session import OnnxSession, SessionConfig
from bundle.vocabulary import Vocabulary

FILE = "feature_ranker.onnx"
ITEMS_FILE = "feature_ranker_items.arrow"
FEATURES, CATEGORIES, SCORE = "features", "categories", "score"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FeatureRankerSpec(PairFeatureSpec):
    """What a feature ranker reads, as the bundle's manifest says it."""

    kind: Literal["feature_ranker"] = "feature_ranker"
    depth: int = Field(ge=1, description="Items of a query that it learnt to order.")
    statistics: dict[str, NumberStatistics] = Field(default={}, description="Standardisation of the number columns.")
    as_of: datetime | None = Field(
        default=None, description="Newest interaction that counts; ages of items count to it. Null without times."
    )

    def features(self, vocabularies: Mapping[str, Vocabulary]) -> PairFeatures:
        """What computes its features, without the network."""
        return PairFeatures(self, Featurizer(self.item, vocabularies, self.statistics))

    def open(self, folder: Path, vocabularies: Mapping[str, Vocabulary], session: SessionConfig) -> "FeatureRanker":
        """The ranker whose files lie in `folder`; raises BundleCorrupt or ProviderUnavailable."""
        return FeatureRanker(self, self.features(vocabularies), folder, OnnxSession(folder / FILE, session))


class FeatureRanker:
    """Orders items for a query; safe to call from many threads, and equal input gives equal bytes."""

    def __init__(self, spec: FeatureRankerSpec, features: PairFeatures, folder: Path, session: OnnxSession) -> None:
        wanted = (FEATURES, CATEGORIES) if spec.categories else (FEATURES,)
        if (session.input_names, session.output_names) != (wanted, (SCORE,)):
            raise BundleCorrupt(
                f"{FILE} reads {', '.join(session.input_names)}, but this feature ranker reads {', '.join(wanted)}; "
                "export the bundle again",
                file=FILE,
            )
        if session.input_width() != len(spec.names):
            raise BundleCorrupt(
                f"{FILE} reads {session.input_width()} features, but this feature ranker has {len(spec.names)}; export "
                "the bundle again",
                file=FILE,
            )
        self.spec = spec
        self.features = features
        self._folder = folder
        self._session = session

    def item_arrays(
        self, item_ids: pa.Array | pa.ChunkedArray, encoded: Mapping[str, Array]
    ) -> tuple[FloatArray, IntArray]:
        """What an index version keeps of items, numbers [N, S] and categories [N, C].

        `encoded`: their columns, by `features.item_featurizer`. An item that training did not know counts as taken by
        nobody. Raises BundleCorrupt. The statistics of all items are read here and not kept, for no request needs them.
        """
        as_of = None if self.spec.as_of is None else (self.spec.as_of - _EPOCH) // timedelta(microseconds=1)
        known = KnownItems.open(self._folder / ITEMS_FILE, as_of)
        return self.features.item_arrays(known.of(item_ids), encoded)

    def score(self, query: AskingQuery, items: ItemSide, rows_M: IntArray) -> FloatArray:
        """Scores float32 [M] of rows for one query, larger is better."""
        if len(rows_M) == 0:
            return np.empty(0, dtype=np.float32)
        pairs = self.features.pairs(query, items, rows_M)
        arrays: dict[str, Array] = {FEATURES: pairs.feature_MF}
        if self.spec.categories:
            arrays[CATEGORIES] = pairs.category_MC
        score_M: FloatArray = self._session.run(arrays)[0]
        return score_M

    def warm_up(self) -> None:
        """Run the graph on a few batch sizes."""
        self._session.warm_up()
