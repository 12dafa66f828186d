"""Rankers: one file each, and one line in the union below to add another."""

from typing import Annotated

from pydantic import Field

from training.rankers.cross_encoder import CrossEncoderConfig
from training.rankers.mlp import MlpRankerConfig

RankerConfig = Annotated[MlpRankerConfig | CrossEncoderConfig, Field(discriminator="kind")]

__all__ = ["RankerConfig"]
