"""Click models: one file each, and one line in the union below to add another."""

from typing import Annotated

from pydantic import Field

from training.click_models.dla import DlaConfig
from training.click_models.ipw import IpwConfig
from training.click_models.naive import NaiveConfig

ClickModelConfig = Annotated[NaiveConfig | IpwConfig | DlaConfig, Field(discriminator="kind")]

__all__ = ["ClickModelConfig"]
