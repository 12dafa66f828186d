"""Objectives: the single kinds, one file each and one line in `single.py`, and below the kinds that combine others."""

from typing import Annotated

from pydantic import Field

from training.objectives.contract import LossInput, LossOutput, Objective
from training.objectives.heads import HeadsConfig
from training.objectives.matryoshka import MatryoshkaConfig
from training.objectives.single import SingleObjective
from training.objectives.weighted_sum import WeightedSumConfig

ObjectiveConfig = Annotated[
    SingleObjective | WeightedSumConfig | MatryoshkaConfig | HeadsConfig, Field(discriminator="kind")
]

__all__ = ["LossInput", "LossOutput", "Objective", "ObjectiveConfig"]
