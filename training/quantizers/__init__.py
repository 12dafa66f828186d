"""Quantizers: one file each, and one line in the union below to add another."""

from training.quantizers.residual import ResidualConfig

# One kind so far; a second makes this Annotated[A | B, Field(discriminator="kind")].
QuantizerConfig = ResidualConfig

__all__ = ["QuantizerConfig"]
