"""Rerankers that a run trains after its towers: one file each, and one field below to add another."""

from collections.abc import Sequence

from pydantic import Field

from bundle.config import Config
from bundle.features import FeatureSpec
from training.rerankers.contract import RerankerConfig
from training.rerankers.cross_encoder import CrossEncoderRerankerConfig
from training.rerankers.feature_ranker import FeatureRankerConfig


class RerankersConfig(Config):
    """At most one reranker of each kind."""

    cross_encoder: CrossEncoderRerankerConfig | None = Field(
        default=None, description="A transformer that reads the texts of query and item together; none if unset."
    )
    feature_ranker: FeatureRankerConfig | None = Field(
        default=None, description="A small network over cheap features of query and item; none if unset."
    )

    @property
    def each(self) -> Sequence[RerankerConfig]:
        """Those that are set, in the order of the fields."""
        return [one for one in (self.cross_encoder, self.feature_ranker) if one is not None]

    @property
    def learns_from_held_out(self) -> bool:
        """Whether one learns from the validation part, as towers see it that have not."""
        return self.feature_ranker is not None

    def check(self, features: FeatureSpec, pretrained: Sequence[str], *, queries_are_items: bool) -> None:
        """ValueError where requests could not give what one reads, or where its model has no name."""
        if self.cross_encoder is not None:
            self.cross_encoder.check(features, pretrained)
        if self.feature_ranker is not None:
            self.feature_ranker.check(queries_are_items=queries_are_items)


__all__ = ["RerankersConfig"]
