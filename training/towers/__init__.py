"""Towers: one file each, and one line in the union below to add another."""

from training.towers.mlp import MlpTowerConfig

# One kind so far; a second makes this Annotated[A | B, Field(discriminator="kind")].
TowerConfig = MlpTowerConfig

__all__ = ["TowerConfig"]
