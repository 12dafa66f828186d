"""Settings of the semantic item graph."""

from collections.abc import Sequence

from pydantic import Field, field_validator

from bundle.config import Config
from bundle.features import CategoryFeature, Feature, VectorFeature, vocabulary_name


class ItemGraphConfig(Config):
    """An item also reads the rows of its neighbours, in content and in behaviour, and both views learn to agree.

    After Semantic Item Graph Enhancement for Multimodal Recommendation (arXiv 2508.06154), of which only the abstract
    was at hand: every formula is a reconstruction. The graph is part of the exported item tower.
    """

    features: tuple[str, ...] = Field(
        min_length=1, description="Vector features of the item tower; each gives a graph of nearest items."
    )
    neighbours: int = Field(default=10, ge=1, le=256, description="Nearest items kept, by content and by behaviour.")
    collaborative: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Share of a graph that comes from items taken by the same queries; the rest is content.",
    )
    noise: float = Field(
        default=0.1, ge=0, description="Length of the perturbation, as a share of the embedding's own length."
    )
    temperature: float = Field(default=0.2, gt=0, description="Temperature of the three contrastive terms.")
    noise_weight: float = Field(default=0.01, ge=0, description="Weight of the agreement of two perturbed views.")
    anchor_weight: float = Field(
        default=0.01, ge=0, description="Weight of the agreement of an item's row with each graph's view of it."
    )
    fusion_weight: float = Field(
        default=0.01, ge=0, description="Weight of the agreement of an item's row with the mean of the views."
    )
    items_a_step: int = Field(default=512, ge=2, description="Items that the contrastive terms compare at a step.")

    @field_validator("features")
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError(f"features repeat: {', '.join(value)}; name each once")
        return value

    def check(self, features: Sequence[Feature]) -> None:
        """Raise ValueError unless an item tower of these features has what a graph is made of and put into."""
        vectors = [feature.name for feature in features if isinstance(feature, VectorFeature)]
        unknown = [name for name in self.features if name not in vectors]
        if unknown:
            raise ValueError(
                f"item_graph.features names '{unknown[0]}', which is no vector feature of the item tower (it has: "
                f"{', '.join(vectors) or 'none'})"
            )
        if not any(isinstance(f, CategoryFeature) and vocabulary_name(f) == "item_id" for f in features):
            raise ValueError(
                "item_graph lets an item read the rows of its neighbours, but the item tower has no category feature "
                "of the vocabulary 'item_id' whose rows these would be; add one, or remove [item_graph]"
            )
