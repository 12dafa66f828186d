"""Second stages: one file each, and one line below to add another; told apart by `kind`."""

from index.second_stages.blend import Blend
from index.second_stages.cross_encoder import CrossEncoder
from index.second_stages.mmr import Mmr

SecondStageKind = Mmr | Blend | CrossEncoder

__all__ = ["SecondStageKind"]
