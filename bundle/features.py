"""The feature spec: which fields of a record a tower reads, and how each becomes one array.

Axes: B records, T n-grams of the longest text, C categories, H history positions, D width of a given vector.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from bundle.config import Config

FeatureName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=64)]


class TextFeature(Config):
    """Text as hashed words and character n-grams: int64 [B, T], 0 pads."""

    kind: Literal["text"] = "text"
    name: FeatureName = Field(description="Field of the record.")
    buckets: int = Field(default=65536, ge=2, description="Hash buckets of the n-grams.")
    max_words: int = Field(default=96, ge=1, description="Words read from the start of the text.")
    min_gram: int = Field(default=3, ge=1, description="Shortest character n-gram.")
    max_gram: int = Field(default=4, ge=1, description="Longest character n-gram.")
    required: bool = Field(default=True, description="Whether a record without the text is an error.")

    @model_validator(mode="after")
    def _check_grams(self) -> "TextFeature":
        if self.max_gram < self.min_gram:
            raise ValueError(f"max_gram {self.max_gram} is below min_gram {self.min_gram}")
        return self

    @property
    def grams(self) -> tuple[int, int, int]:
        """What decides the bucket of a word or n-gram: features where it is equal may share an embedding table."""
        return self.buckets, self.min_gram, self.max_gram


class TokensFeature(Config):
    """Text as the word pieces of a pretrained model, special tokens included: int64 [B, T], ids + 1, 0 pads."""

    kind: Literal["tokens"] = "tokens"
    name: FeatureName = Field(description="Field of the record.")
    model: FeatureName = Field(default="minilm", description="Name of the pretrained model whose tokenizer reads it.")
    max_tokens: int = Field(default=128, ge=4, description="Tokens read from the start, special tokens included.")
    required: bool = Field(default=True, description="Whether a record without the text is an error.")


class CategoryFeature(Config):
    """One value out of a vocabulary: int64 [B], 0 is missing."""

    kind: Literal["category"] = "category"
    name: FeatureName = Field(description="Field of the record.")
    vocabulary: FeatureName | None = Field(default=None, description="Vocabulary shared by name; its own if unset.")
    oov_buckets: int = Field(default=1, ge=1, description="Rows that values outside the vocabulary hash into.")
    min_count: int = Field(default=1, ge=1, description="Rarer training values are left out of the vocabulary.")
    required: bool = Field(default=False, description="Whether a record without the value is an error.")


class CategoriesFeature(Config):
    """Several values out of a vocabulary: int64 [B, C], 0 pads."""

    kind: Literal["categories"] = "categories"
    name: FeatureName = Field(description="Field of the record.")
    vocabulary: FeatureName | None = Field(default=None, description="Vocabulary shared by name; its own if unset.")
    oov_buckets: int = Field(default=1, ge=1, description="Rows that values outside the vocabulary hash into.")
    min_count: int = Field(default=1, ge=1, description="Rarer training values are left out of the vocabulary.")
    max_length: int = Field(default=16, ge=1, description="Values read from the start of the list.")
    required: bool = Field(default=False, description="Whether a record without values is an error.")


class NumberFeature(Config):
    """A number, standardised by the training data: float32 [B, 2] = (value, 1 if missing)."""

    kind: Literal["number"] = "number"
    name: FeatureName = Field(description="Field of the record.")
    transform: Literal["standard", "log"] = Field(
        default="standard", description="'log' takes sign(x) log(1 + |x|) before standardising."
    )
    required: bool = Field(default=False, description="Whether a record without the number is an error.")


class VectorFeature(Config):
    """A given embedding, for example of an image: float32 [B, D], zeros when missing."""

    kind: Literal["vector"] = "vector"
    name: FeatureName = Field(description="Field of the record.")
    dimension: int = Field(ge=1, description="Width of the vector.")
    required: bool = Field(default=True, description="Whether a record without the vector is an error.")


class SequenceFeature(Config):
    """A history of item ids, oldest first in the record: int64 [B, H], position 0 the most recent, 0 pads."""

    kind: Literal["sequence"] = "sequence"
    name: FeatureName = Field(description="Field of the record.")
    vocabulary: FeatureName = Field(default="item_id", description="Vocabulary of the ids.")
    oov_buckets: int = Field(default=1, ge=1, description="Rows that unknown ids hash into.")
    min_count: int = Field(default=1, ge=1, description="Rarer training values are left out of the vocabulary.")
    max_length: int = Field(default=20, ge=1, description="Most recent ids read.")
    required: bool = Field(default=False, description="Whether an empty history is an error.")


Feature = Annotated[
    TextFeature | TokensFeature | CategoryFeature | CategoriesFeature | NumberFeature | VectorFeature | SequenceFeature,
    Field(discriminator="kind"),
]
VocabularyFeature = CategoryFeature | CategoriesFeature | SequenceFeature


class FeatureSpec(Config):
    """The features of both towers, in the order of their graphs' inputs."""

    query: tuple[Feature, ...] = Field(min_length=1, description="Features of the query tower.")
    item: tuple[Feature, ...] = Field(min_length=1, description="Features of the item tower.")

    @model_validator(mode="after")
    def _check(self) -> "FeatureSpec":
        for side in (self.query, self.item):
            names = [feature.name for feature in side]
            if len(set(names)) < len(names):
                raise ValueError(f"feature names repeat: {', '.join(sorted(names))}")
            if "embedding" in names:
                raise ValueError("a feature is named 'embedding', but so is the output of every tower; rename it")
        buckets: dict[str, int] = {}
        for feature in vocabulary_features([*self.query, *self.item]):
            name = vocabulary_name(feature)
            if buckets.setdefault(name, feature.oov_buckets) != feature.oov_buckets:
                raise ValueError(f"features that share the vocabulary '{name}' must agree on oov_buckets")
        return self


def vocabulary_features(features: Sequence[Feature]) -> list[VocabularyFeature]:
    """Those of `features` that look values up."""
    return [f for f in features if isinstance(f, CategoryFeature | CategoriesFeature | SequenceFeature)]


def text_columns(features: Sequence[Feature]) -> set[str]:
    """The fields whose values are texts, also where they look like numbers or dates."""
    return {feature.name for feature in features if isinstance(feature, TextFeature | TokensFeature | CategoryFeature)}


def token_models(features: Sequence[Feature]) -> list[str]:
    """Names, in order and each once, of the pretrained models whose tokenizers `features` read with."""
    return list(dict.fromkeys(feature.model for feature in features if isinstance(feature, TokensFeature)))


def vocabulary_name(feature: VocabularyFeature) -> str:
    """Name of the vocabulary that `feature` looks its values up in."""
    return feature.vocabulary or feature.name
