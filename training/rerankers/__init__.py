"""Rerankers that a run trains after its towers: one file each, and one line below to add another."""

from training.rerankers.cross_encoder import CrossEncoderRerankerConfig

RerankerConfig = CrossEncoderRerankerConfig
"""A union by `kind` from the second on."""

__all__ = ["RerankerConfig"]
