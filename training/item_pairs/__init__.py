"""Pairs of items for a collection whose queries are items: the sources, one file and one line in the union each."""

from typing import Annotated

from pydantic import Field

from training.item_pairs.baskets import BasketPairsConfig
from training.item_pairs.relations import RelationPairsConfig

ItemPairsConfig = Annotated[BasketPairsConfig | RelationPairsConfig, Field(discriminator="source")]

__all__ = ["BasketPairsConfig", "ItemPairsConfig", "RelationPairsConfig"]
