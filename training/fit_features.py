"""Fit what the featurizers need: vocabularies and number statistics, from training data only."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from bundle.encoders import NumberStatistics, transform_number
from bundle.errors import ConfigError
from bundle.features import (
    Feature,
    FeatureSpec,
    NumberFeature,
    VocabularyFeature,
    vocabulary_features,
    vocabulary_name,
)
from bundle.featurize import Featurizer
from bundle.items import Items
from bundle.tokens import TextTokenizer
from bundle.vocabulary import Vocabulary
from training.dataset import Dataset
from training.errors import BadData
from training.ragged import IntArray
from training.tables import ITEM_ID

Record = Mapping[str, object]
Sides = Sequence[tuple[Sequence[Feature], Sequence[Record]]]


@dataclass(frozen=True)
class FittedFeatures:
    """Vocabularies, statistics and tokenizers by name, and the two featurizers that use them."""

    vocabularies: dict[str, Vocabulary]
    statistics: dict[str, NumberStatistics]
    query: Featurizer
    item: Featurizer
    tokenizers: Mapping[str, TextTokenizer] = field(default_factory=dict)


def fit_featurizers(
    spec: FeatureSpec,
    dataset: Dataset,
    train_rows: IntArray,
    tokenizers: Mapping[str, TextTokenizer] = MappingProxyType({}),
) -> FittedFeatures:
    """Fit on the queries and items that occur in the training interactions, each counted once.

    The vocabulary `item_id` is the exception: it holds every item of the items table in its row order, so that an item
    without training interactions still has a row of its own. Features that share a vocabulary keep what the smallest of
    their `min_count` keeps; number features of one name share one mean and deviation. `tokenizers` are those of the
    pretrained models that tokens features name.
    Raises ConfigError when a vocabulary has no source, BadData when a number feature has no value, or values too large.
    """
    queries, items = _train_records(spec, dataset, train_rows)
    sides: Sides = ((spec.query, queries), (spec.item, items))
    vocabularies = {
        name: Vocabulary(dataset.items.item_ids, features[0].oov_buckets)
        if name == ITEM_ID
        else _vocabulary(name, features, sides)
        for name, features in _by_vocabulary([*spec.query, *spec.item]).items()
    }
    numbers = {f.name: f for f in (*spec.query, *spec.item) if isinstance(f, NumberFeature)}
    statistics = {name: _statistics(feature, sides) for name, feature in numbers.items()}
    return FittedFeatures(
        vocabularies,
        statistics,
        query=Featurizer(spec.query, vocabularies, statistics, tokenizers),
        item=Featurizer(spec.item, vocabularies, statistics, tokenizers),
        tokenizers=tokenizers,
    )


def fit_item_features(
    features: Sequence[Feature], dataset: Dataset, train_rows: IntArray
) -> tuple[dict[str, Vocabulary], dict[str, NumberStatistics]]:
    """Vocabularies and statistics of item features alone, fit on the items that occur in the training interactions.

    Raises as `fit_featurizers`, and InvalidTable for a missing column.
    """
    sides: Sides = ((features, _trained_items(features, dataset, train_rows)),)
    vocabularies = {name: _vocabulary(name, group, sides) for name, group in _by_vocabulary(features).items()}
    return vocabularies, {f.name: _statistics(f, sides) for f in features if isinstance(f, NumberFeature)}


def cold_item_rows(vocabularies: Mapping[str, Vocabulary], counts_N: IntArray) -> dict[str, IntArray]:
    """Rows of the vocabulary `item_id`, if there is one, of the catalogue items (by item row) that count zero."""
    if ITEM_ID not in vocabularies:
        return {}
    return {ITEM_ID: 1 + vocabularies[ITEM_ID].oov_buckets + np.flatnonzero(counts_N == 0)}


def _by_vocabulary(features: Sequence[Feature]) -> dict[str, list[VocabularyFeature]]:
    groups: dict[str, list[VocabularyFeature]] = {}
    for feature in vocabulary_features(features):
        groups.setdefault(vocabulary_name(feature), []).append(feature)
    return groups


def _train_records(
    spec: FeatureSpec, dataset: Dataset, train_rows: IntArray
) -> tuple[Sequence[Record], Sequence[Record]]:
    query_rows = np.unique(dataset.interactions.query_N[train_rows])
    queries = dataset.queries.records(_fitted_names(spec.query), query_rows)
    return queries, _trained_items(spec.item, dataset, train_rows)


def _trained_items(features: Sequence[Feature], dataset: Dataset, train_rows: IntArray) -> Sequence[Record]:
    item_rows = np.unique(dataset.interactions.item_N[train_rows])
    trained = Items(dataset.items.table.take(pa.array(item_rows)), dataset.items.source)
    return trained.records(_fitted_names(features))


def _fitted_names(features: Sequence[Feature]) -> list[str]:
    looked_up = [f.name for f in vocabulary_features(features) if vocabulary_name(f) != ITEM_ID]
    return looked_up + [f.name for f in features if isinstance(f, NumberFeature)]


def _vocabulary(name: str, features: Sequence[VocabularyFeature], sides: Sides) -> Vocabulary:
    values = [
        text
        for side, records in sides
        for feature in vocabulary_features(side)
        if vocabulary_name(feature) == name
        for record in records
        for text in _texts(record.get(feature.name))
    ]
    if not values:
        raise ConfigError(
            f"the vocabulary '{name}' has no value in the training data (features: "
            f"{', '.join(f.name for f in features)}); name a filled column, or the vocabulary 'item_id' for item ids"
        )
    return Vocabulary.fit(values, features[0].oov_buckets, min(feature.min_count for feature in features))


def _texts(value: object) -> Iterator[str]:
    for single in value if isinstance(value, list | tuple) else [value]:
        if single is not None and single != "":
            yield str(single)


def _statistics(feature: NumberFeature, sides: Sides) -> NumberStatistics:
    values: list[float] = []
    for side, records in sides:
        for other in side:
            if other.name != feature.name or not isinstance(other, NumberFeature):
                continue
            if other.transform != feature.transform:
                raise ConfigError(f"number features named '{feature.name}' must have the same transform")
            found = (record.get(other.name) for record in records)
            # What is no finite number is left to the featurizer, which names its file, row and column.
            numbers = (float(v) for v in found if isinstance(v, int | float) and math.isfinite(v))
            values.extend(transform_number(number, other) for number in numbers)
    if not values:
        raise BadData(f"the number feature '{feature.name}' has no value in the training data; fill or remove it")
    with np.errstate(over="ignore", invalid="ignore"):
        mean, deviation = float(np.mean(values)), float(np.std(values))
    if not (math.isfinite(mean) and math.isfinite(deviation)):
        raise BadData(
            f"the values of the number feature '{feature.name}' are too large for a mean and a deviation; scale the "
            "column, or set transform = 'log'"
        )
    return NumberStatistics(mean=mean, std=deviation if deviation > 0 else 1.0)
