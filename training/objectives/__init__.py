"""Objectives: one file each, and one line in the union below to add another."""

from typing import Annotated

from pydantic import Field

from training.objectives.contract import LossInput, LossOutput, Objective
from training.objectives.decoupled_softmax import DecoupledSoftmaxConfig
from training.objectives.softmax import SoftmaxConfig

ObjectiveConfig = Annotated[SoftmaxConfig | DecoupledSoftmaxConfig, Field(discriminator="kind")]

__all__ = ["LossInput", "LossOutput", "Objective", "ObjectiveConfig"]
