"""What a bundle says of itself."""

from typing import Any, Literal

from pydantic import Field

from bundle.config import Config
from bundle.encoders import NumberStatistics
from bundle.features import FeatureSpec
from bundle.files import FileEntry
from bundle.rerankers import RerankerSpecs

FORMAT_VERSION = 2


class BundleManifest(Config):
    """Everything but the files themselves; `bundle_id` is a hash of it and of them."""

    format_version: int = Field(description="Version of this folder's format.")
    bundle_id: str = Field(description="Hash of the content: equal ids are equal bundles.")
    name: str = Field(description="Collection that the bundle was trained for.")
    dimension: int = Field(ge=1, description="Width of the embeddings.")
    queries_are: Literal["queries", "items"] = Field(
        default="queries",
        exclude_if=lambda value: value == "queries",  # bundles from before this field keep their id
        description="'items': the query tower reads items too, as what they go with; the item tower, as what goes with "
        "them. 'queries' otherwise.",
    )
    metric: Literal["cosine", "dot"] = Field(description="How scores are meant; 'cosine' towers give unit vectors.")
    features: FeatureSpec = Field(description="Features of both towers.")
    vocabularies: tuple[str, ...] = Field(description="Names of the vocabulary files.")
    statistics: dict[str, NumberStatistics] = Field(description="Standardisation of the number features.")
    semantic_id_codebooks: tuple[int, ...] | None = Field(description="Codes a level; null without a quantizer.")
    rerankers: RerankerSpecs = Field(
        default_factory=RerankerSpecs, description="What each reranker reads; null for a kind that there is none of."
    )
    evaluation: dict[str, float] = Field(description="Measures on the test split.")
    training: dict[str, Any] = Field(description="The resolved training configuration.")
    files: dict[str, FileEntry] = Field(description="Every file of the folder but this one.")

    @property
    def widths(self) -> tuple[int, ...]:
        """Widths at which the embeddings may be used, widest first: the whole, and those that Matryoshka trained."""
        objective = self.training.get("objective") or {}
        trained = objective.get("dims", ()) if objective.get("kind") == "matryoshka" else ()
        return tuple(sorted({self.dimension, *trained}, reverse=True))
