"""One encoder a feature kind: the values of one field, over many records, to one column.

A value that does not fit raises BadValue; the featurizer adds the record and the feature to its message.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from pydantic import Field

from bundle.columns import Column, DenseColumn, IntArray, RaggedColumn
from bundle.config import Config
from bundle.features import (
    CategoriesFeature,
    CategoryFeature,
    Feature,
    NumberFeature,
    SequenceFeature,
    TextFeature,
    TokensFeature,
    VectorFeature,
    vocabulary_name,
)
from bundle.ngrams import ngram_hasher
from bundle.tokens import TextTokenizer
from bundle.vocabulary import MISSING, Vocabulary

Encoder = Callable[[Sequence[object]], Column]
_LARGEST = 1e30  # standard deviations; beyond it float32 arithmetic inside a tower overflows


class BadValue(ValueError):
    """A value that its feature cannot take; `position` is its place in the batch."""

    def __init__(self, position: int, message: str) -> None:
        super().__init__(message)
        self.position = position


class NumberStatistics(Config):
    """What standardises a number: (transformed value - mean) / std, over the training data."""

    mean: float = Field(description="Mean of the transformed values.")
    std: float = Field(gt=0, description="Standard deviation of the transformed values.")


def build_encoder(
    feature: Feature,
    vocabularies: Mapping[str, Vocabulary],
    statistics: Mapping[str, NumberStatistics],
    tokenizers: Mapping[str, TextTokenizer] = MappingProxyType({}),
) -> Encoder:
    """The encoder of one feature."""
    match feature:
        case TextFeature():
            return _text_encoder(feature, ngram_hasher(feature))
        case TokensFeature():
            return _text_encoder(feature, tokenizers[feature.model].texts(feature.max_tokens))
        case CategoryFeature():
            return _category_encoder(feature, vocabularies[vocabulary_name(feature)])
        case CategoriesFeature():
            return _list_encoder(feature, vocabularies[vocabulary_name(feature)], newest_first=False)
        case SequenceFeature():
            return _list_encoder(feature, vocabularies[vocabulary_name(feature)], newest_first=True)
        case NumberFeature():
            return _number_encoder(feature, statistics[feature.name])
        case VectorFeature():
            return _vector_encoder(feature)


def transform_number(value: float, feature: NumberFeature) -> float:
    """The number before it is standardised."""
    return math.copysign(math.log1p(abs(value)), value) if feature.transform == "log" else value


def _text_encoder(feature: TextFeature | TokensFeature, numbers_of: Callable[[str], IntArray]) -> Encoder:
    def encode(values: Sequence[object]) -> Column:
        lists = []
        for position, value in enumerate(values):
            if value is not None and not isinstance(value, str):
                raise BadValue(position, f"must be text, but is {_type(value)}")
            numbers = numbers_of(value or "")
            if feature.required and not len(numbers):
                raise BadValue(position, "is empty or has no word; give a text")
            lists.append(numbers)
        return _ragged(lists, width=None)

    return encode


def _category_encoder(feature: CategoryFeature, vocabulary: Vocabulary) -> Encoder:
    def encode(values: Sequence[object]) -> Column:
        rows = np.empty(len(values), dtype=np.int64)
        for position, value in enumerate(values):
            text = _category_text(position, value)
            if feature.required and not text:
                raise BadValue(position, "is missing; give a value")
            rows[position] = vocabulary.index(text) if text else MISSING
        return DenseColumn(rows)

    return encode


def _list_encoder(
    feature: CategoriesFeature | SequenceFeature, vocabulary: Vocabulary, *, newest_first: bool
) -> Encoder:
    index, limit = vocabulary.index, feature.max_length

    def encode(values: Sequence[object]) -> Column:
        lists = []
        for position, value in enumerate(values):
            if value is not None and not isinstance(value, list | tuple):
                raise BadValue(position, f"must be a list, but is {_type(value)}")
            kept = list(value or ())
            kept = kept[: -limit - 1 : -1] if newest_first else kept[:limit]
            texts = [v if type(v) is str else _category_text(position, v) for v in kept]
            if not all(texts):
                raise BadValue(position, "holds an empty value; leave it out")
            if feature.required and not texts:
                raise BadValue(position, "is empty; give at least one value")
            lists.append(np.array([index(text) for text in texts], dtype=np.int64))
        return _ragged(lists, width=limit)

    return encode


def _number_encoder(feature: NumberFeature, statistics: NumberStatistics) -> Encoder:
    def encode(values: Sequence[object]) -> Column:
        pairs = np.zeros((len(values), 2), dtype=np.float32)
        for position, value in enumerate(values):
            if value is None:
                if feature.required:
                    raise BadValue(position, "is missing; give a number")
                pairs[position, 1] = 1.0
                continue
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise BadValue(position, f"must be a number, but is {_type(value)}")
            number = _finite(position, value)
            standard = (transform_number(number, feature) - statistics.mean) / statistics.std
            if abs(standard) > _LARGEST:
                raise BadValue(position, f"is {number:g}, far outside anything training saw; give a usual number")
            pairs[position, 0] = standard
        return DenseColumn(pairs)

    return encode


def _vector_encoder(feature: VectorFeature) -> Encoder:
    def encode(values: Sequence[object]) -> Column:
        vectors = np.zeros((len(values), feature.dimension), dtype=np.float32)
        for position, value in enumerate(values):
            if value is None and not feature.required:
                continue
            try:
                vector = np.asarray(value, dtype=np.float32)
            except (TypeError, ValueError) as error:
                raise BadValue(position, "must be a list of numbers") from error
            if vector.shape != (feature.dimension,):
                raise BadValue(position, f"must have {feature.dimension} numbers, but has shape {vector.shape}")
            if not np.isfinite(vector).all():
                raise BadValue(position, "holds NaN or infinity")
            vectors[position] = vector
        return DenseColumn(vectors)

    return encode


def _finite(position: int, value: int | float) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise BadValue(position, f"is {number}; give a finite number or leave it out")
    return number


def _category_text(position: int, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int):  # bool too: "True" and "False" are categories like any other
        return str(value)
    raise BadValue(position, f"must be text or a whole number, but is {_type(value)}")


def _ragged(lists: Sequence[np.ndarray], width: int | None) -> RaggedColumn:
    offsets = np.zeros(len(lists) + 1, dtype=np.int64)
    np.cumsum([len(part) for part in lists], out=offsets[1:])
    values = np.concatenate(lists) if lists else np.empty(0, dtype=np.int64)
    return RaggedColumn(values.astype(np.int32), offsets, width)


def _type(value: object) -> str:
    return type(value).__name__
