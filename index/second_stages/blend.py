"""Several scores of a candidate added with weights, each first brought to one scale.

P parts, C candidates of one query, S scored by all parts.
"""

from collections.abc import Mapping
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from index.common_scale import ScaleName, scaled
from index.ranking import FloatArray
from index.role import Role
from index.second_stages.contract import RerankerConfig, Runtime, SecondStageConfig
from index.second_stages.found import Found
from index.second_stages.paced import PacedReader, Scored
from index.second_stages.reading import ReadingStage, Scorer


class BlendWeights(SecondStageConfig):
    """The weight of each score; 0, or left out, is no part. One at least is above 0."""

    first_stage: float = Field(default=0.0, ge=0, description="Of the score that a candidate was found by.")
    exact: float = Field(default=0.0, ge=0, description="Of the inner product of stored vector and query vector.")
    cross_encoder: float = Field(default=0.0, ge=0, description="Of the score of the bundle's cross-encoder.")

    @model_validator(mode="after")
    def _something_counts(self) -> Self:
        if not any(self.above_0().values()):
            raise ValueError(f"no weight is above 0; weigh at least one of: {', '.join(type(self).model_fields)}")
        return self

    def above_0(self) -> dict[str, float]:
        """The parts that count."""
        return {name: weight for name, weight in self if weight > 0}


class Blend(RerankerConfig):
    """The weighted sum of several scores, each scaled over the candidates of its query."""

    kind: Literal["blend"] = Field(description="Which reranking this is.")
    weights: BlendWeights = Field(description="What is added, with which weights.")
    scale: ScaleName = Field(
        default="z_score",
        description="How each score is scaled over the candidates before it is weighed: `z_score`, less their mean by "
        "their standard deviation, or `min_max`, from 0 to 1.",
    )

    @property
    def reads_texts(self) -> bool:
        """Whether a cross-encoder takes part."""
        return self.weights.cross_encoder > 0

    @property
    def reads_vectors(self) -> bool:
        """Whether the vector of the query is needed."""
        return self.weights.exact > 0

    def build(self, runtime: Runtime) -> ReadingStage:
        """The stage over the parts that have a weight."""
        parts = {name: self._part(name, runtime) for name in self.weights.above_0()}
        return ReadingStage(Blended(parts, self.weights.above_0(), self.scale), self, runtime)

    def _part(self, name: str, runtime: Runtime) -> Scorer:
        match name:
            case "first_stage":
                return FirstStagePart()
            case "exact":
                return ExactPart(runtime.role)
            case _:
                return PacedReader(runtime.reader(), clock=runtime.clock)


class Blended:
    """Implements Scorer: what the least patient part did not score is scored by none."""

    def __init__(self, parts: Mapping[str, Scorer], weights: Mapping[str, float], scale: ScaleName) -> None:
        self._parts = parts
        self._weights = weights
        self._scale = scale

    def scores(self, found: Found) -> Scored:
        """The weighted sums float32 [S]; raises what the parts raise."""
        scored_P = {name: part.scores(found) for name, part in self._parts.items()}
        n_scored = min(len(scored.score_S) for scored in scored_P.values())
        total_S = np.zeros(n_scored, dtype=np.float64)
        for name, scored in scored_P.items():
            total_S += self._weights[name] * scaled(scored.score_S[:n_scored], self._scale)
        return Scored(total_S.astype(np.float32), any(scored.is_out_of_time for scored in scored_P.values()))


class FirstStagePart:
    """Implements Scorer: the scores that candidates were found by."""

    def scores(self, found: Found) -> Scored:
        """Those of all candidates."""
        return Scored(found.score_C)


class ExactPart:
    """Implements Scorer: inner products with the vectors of a role."""

    def __init__(self, role: Role) -> None:
        self._vectors_ND = role.vectors_ND

    def scores(self, found: Found) -> Scored:
        """Those of all candidates."""
        score_C: FloatArray = self._vectors_ND[found.row_C] @ found.query.embedded()[0]
        return Scored(score_C)
