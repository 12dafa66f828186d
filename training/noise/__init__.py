"""What to do about wrong pairs: one file each; a second kind makes the config below a union by `kind`."""

from training.noise.confident_consensus import ConfidentConsensusConfig

NoiseConfig = ConfidentConsensusConfig

__all__ = ["NoiseConfig"]
