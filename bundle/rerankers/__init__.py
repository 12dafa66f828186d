"""Rerankers as served: one file each, and one line below to add another; a union by `kind` from the second on."""

from bundle.rerankers.cross_encoder import CrossEncoderSpec

RerankerSpec = CrossEncoderSpec

__all__ = ["RerankerSpec"]
