"""Quantizers: one file each, and one line in the union below to add another."""

from typing import Annotated

from pydantic import Field

from training.quantizers.fsq import FsqConfig
from training.quantizers.residual import ResidualConfig
from training.quantizers.residual_kmeans import ResidualKMeansConfig

QuantizerConfig = Annotated[ResidualConfig | ResidualKMeansConfig | FsqConfig, Field(discriminator="kind")]

__all__ = ["QuantizerConfig"]
