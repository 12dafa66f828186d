"""What a reranker may be trained by: one file each, and one line in the union below to add another."""

from typing import Annotated

from pydantic import Field

from training.rerankers.objectives.joint import JointConfig
from training.rerankers.objectives.listwise import ListwiseConfig
from training.rerankers.objectives.pairwise import PairwiseConfig
from training.rerankers.objectives.pointwise import PointwiseConfig

RerankerObjectiveConfig = Annotated[
    PointwiseConfig | PairwiseConfig | ListwiseConfig | JointConfig, Field(discriminator="kind")
]

__all__ = ["RerankerObjectiveConfig"]
