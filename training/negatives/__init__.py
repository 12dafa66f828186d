"""Negatives: one file each, and one line in the union below to add another."""

from typing import Annotated

from pydantic import Field

from training.negatives.catalogue import CatalogueConfig
from training.negatives.contract import Negatives, Pool
from training.negatives.in_batch import InBatchConfig
from training.negatives.popularity import PopularityConfig
from training.negatives.uniform import UniformConfig

NegativesConfig = Annotated[
    InBatchConfig | UniformConfig | PopularityConfig | CatalogueConfig, Field(discriminator="kind")
]

__all__ = ["Negatives", "NegativesConfig", "Pool"]
