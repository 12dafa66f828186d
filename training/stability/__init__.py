"""How semantic IDs are kept when a collection is trained again: one file a mode, and one line below to add another."""

from typing import Annotated

from pydantic import Field

from training.stability.match import MatchConfig
from training.stability.measure import MeasureConfig
from training.stability.warm_start import WarmStartConfig

StabilityConfig = Annotated[MeasureConfig | MatchConfig | WarmStartConfig, Field(discriminator="mode")]

__all__ = ["StabilityConfig"]
