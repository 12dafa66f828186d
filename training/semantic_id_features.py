"""Fit the quantizers of the vector features that towers read as semantic IDs, on training data alone.

Axes: N catalogue items, Q training queries, F vectors to fit on, W width, P pairs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from bundle.columns import EncodedRecords
from bundle.features import FeatureSpec, VectorFeature
from training.encoders.semantic_id import FittedSemanticId, SemanticIdFeatureConfig
from training.errors import BadData
from training.precision import ExportConfig
from training.quantizers.contract import Behaviour, Quantizer, QuantizerData
from training.ragged import BoolArray, FloatArray


@dataclass(frozen=True)
class TrainedRecords:
    """What the towers train on: the catalogue, the queries, who took what."""

    items: EncodedRecords
    queries: EncodedRecords
    behaviour: Behaviour


@dataclass
class SemanticIdFeatures:
    """The fitted features of each tower, by name."""

    query: dict[str, FittedSemanticId] = field(default_factory=dict)
    item: dict[str, FittedSemanticId] = field(default_factory=dict)


def check_semantic_id_features(
    configs: Mapping[str, SemanticIdFeatureConfig], spec: FeatureSpec, export: ExportConfig
) -> None:
    """Raise ValueError unless every name is a vector feature, of one width, and the towers stay in fp32."""
    widths: dict[str, set[int]] = {}
    for feature in (*spec.query, *spec.item):
        if isinstance(feature, VectorFeature):
            widths.setdefault(feature.name, set()).add(feature.dimension)
    for name in configs:
        if name not in widths:
            raise ValueError(
                f"[semantic_id_features.{name}] is about no vector feature of a tower (they have: "
                f"{', '.join(sorted(widths)) or 'none'}); give a feature of kind 'vector' this name"
            )
        if len(widths[name]) > 1:
            raise ValueError(
                f"[semantic_id_features.{name}] codes the vectors of both towers with one quantizer, but they have the "
                f"dimensions {' and '.join(map(str, sorted(widths[name])))}; make them equal, or rename one feature"
            )
    if configs and export.precision != "fp32":
        raise ValueError(
            f"export.precision = '{export.precision}' would round the codebooks of [semantic_id_features] and change "
            "the codes that the towers were trained on; set export.precision = 'fp32'"
        )


def fit_semantic_id_features(
    configs: Mapping[str, SemanticIdFeatureConfig], records: TrainedRecords, seed: int, threads: int
) -> SemanticIdFeatures:
    """One quantizer a feature: of the vectors of training's items where items have the feature, else of its queries'.

    Missing vectors (all zeros) are left out. Raises BadData when too few are left for the quantizer.
    """
    fitted = SemanticIdFeatures()
    for name, config in configs.items():
        on_items, on_queries = name in records.items.columns, name in records.queries.columns
        data = _item_data(name, records) if on_items else _query_data(name, records)
        quantizer = _fit(name, config, data, seed, threads)
        if on_items:
            fitted.item[name] = FittedSemanticId(config, quantizer)
        if on_queries:
            fitted.query[name] = FittedSemanticId(config, quantizer)
    return fitted


def _fit(name: str, config: SemanticIdFeatureConfig, data: QuantizerData, seed: int, threads: int) -> Quantizer:
    try:
        return config.quantizer.fit(data, seed, threads)
    except BadData as error:
        raise BadData(
            f"[semantic_id_features.{name}], fitted on the vectors that training has: {error}", **error.context
        ) from error


def _item_data(name: str, records: TrainedRecords) -> QuantizerData:
    """The items with a vector that occur in training, renumbered in the behaviour too."""
    value_NW, behaviour = records.items.columns[name].batch(None), records.behaviour
    present_N: BoolArray = (value_NW != 0).any(1)
    known_P = present_N[behaviour.item_P]
    item_F, item_P = np.unique(behaviour.item_P[known_P], return_inverse=True)
    kept = Behaviour(behaviour.query_P[known_P], item_P.astype(np.int64), behaviour.n_queries)
    return QuantizerData(value_NW[item_F], kept)


def _query_data(name: str, records: TrainedRecords) -> QuantizerData:
    value_QW: FloatArray = records.queries.columns[name].batch(None)
    return QuantizerData(value_QW[value_QW.any(1)])
