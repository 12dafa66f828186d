"""Rerankers as served: one file each, and one line in every class below to add another.

A bundle has at most one of each kind.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from bundle.config import Config
from bundle.rerankers.contract import Reranker
from bundle.rerankers.cross_encoder import CrossEncoderSpec
from bundle.rerankers.feature_ranker import FeatureRanker, FeatureRankerSpec
from bundle.session import SessionConfig
from bundle.tokens import TextTokenizer
from bundle.vocabulary import Vocabulary

RerankerSpec = CrossEncoderSpec | FeatureRankerSpec


@dataclass(frozen=True)
class Rerankers:
    """The rerankers of an opened bundle, ready to run; None where it has none of that kind."""

    cross_encoder: Reranker | None = None
    feature_ranker: FeatureRanker | None = None

    def warm_up(self) -> None:
        """Run each once, so that the first request does not pay for allocation."""
        for reranker in (self.cross_encoder, self.feature_ranker):
            if reranker is not None:
                reranker.warm_up()


class RerankerSpecs(Config):
    """What the rerankers of a bundle read, by kind."""

    cross_encoder: CrossEncoderSpec | None = Field(
        default=None, description="A transformer over the texts of query and item; none if unset."
    )
    feature_ranker: FeatureRankerSpec | None = Field(
        default=None, description="A small network over features of query and item; none if unset."
    )

    @property
    def tokenizers(self) -> tuple[str, ...]:
        """Names of the tokenizers that they read with."""
        return () if self.cross_encoder is None else (self.cross_encoder.tokenizer,)

    def open(
        self,
        folder: Path,
        tokenizers: Mapping[str, TextTokenizer],
        vocabularies: Mapping[str, Vocabulary],
        session: SessionConfig,
    ) -> Rerankers:
        """The rerankers whose files lie in `folder`; raises BundleCorrupt or ProviderUnavailable."""
        text, features = self.cross_encoder, self.feature_ranker
        return Rerankers(
            None if text is None else text.open(folder, tokenizers[text.tokenizer], session),
            None if features is None else features.open(folder, vocabularies, session),
        )


__all__ = ["RerankerSpec", "RerankerSpecs", "Rerankers"]
