"""The bundle's cross-encoder orders what was found."""

from typing import Literal

from pydantic import Field

from index.second_stages.contract import RerankerConfig, Runtime
from index.second_stages.paced import PacedReader
from index.second_stages.reading import ReadingStage


class CrossEncoder(RerankerConfig):
    """The bundle's cross-encoder, which reads each candidate with the query's record."""

    kind: Literal["cross_encoder"] = Field(description="Which reranking this is.")
    stop_gap: float | None = Field(
        default=None,
        ge=0,
        description="Stop early: once 8 candidates in a row score more than this below the k-th best so far, what lies "
        "deeper is not read. In units of the cross-encoder's scores.",
    )

    @property
    def reads_texts(self) -> bool:
        """Whether a cross-encoder takes part."""
        return True

    @property
    def reads_vectors(self) -> bool:
        """Whether the vector of the query is needed."""
        return False

    def build(self, runtime: Runtime) -> ReadingStage:
        """The stage around the runtime's reranker."""
        return ReadingStage(PacedReader(runtime.reader(), self.stop_gap, runtime.clock), self, runtime)
