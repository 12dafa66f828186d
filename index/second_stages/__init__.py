"""Second stages: one file each, and one line below to add another."""

from typing import Annotated

from pydantic import Field

from index.second_stages.blend import Blend
from index.second_stages.cross_encoder import CrossEncoder
from index.second_stages.mmr import Mmr

SecondStageKind = Annotated[Mmr | Blend | CrossEncoder, Field(discriminator="kind")]

__all__ = ["SecondStageKind"]
