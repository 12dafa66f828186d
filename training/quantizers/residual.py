"""Residual quantizer: each level codes what the levels before it left over; trained by FAISS.

Axes: N embeddings, D embedding, L levels, K codes a level.
"""

from typing import Literal

import faiss
import numpy as np
import torch
from pydantic import Field, field_validator, model_validator

from bundle.config import Config
from training.quantizers.contract import Quantizer, QuantizerData
from training.quantizers.graphs import BeamEncoder, SumDecoder
from training.quantizers.limits import KEY_BITS, check_items
from training.ragged import FloatArray


class ResidualConfig(Config):
    """Residual quantizer of FAISS: progressive k-means, codebooks fitted together at last, beam search in encoding."""

    kind: Literal["residual"] = "residual"
    levels: int = Field(default=3, ge=1, le=8, description="Codes of a semantic ID.")
    codebook_size: int = Field(default=256, ge=2, le=4096, description="Codes of each level; a power of two.")
    beam: int = Field(default=5, ge=1, le=64, description="Partial codes kept while encoding; 1 is greedy.")
    training_beam: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Partial codes kept while learning. More give a smaller error but middle levels that use fewer "
        "codes.",
    )
    refine: bool = Field(
        default=True, description="Whether all codebooks are at last fitted to the embeddings together."
    )

    @field_validator("codebook_size")
    @classmethod
    def _whole_bits(cls, value: int) -> int:
        if value.bit_count() != 1:
            raise ValueError(
                f"{value} is no power of two; use {1 << (value.bit_length() - 1)} or {1 << value.bit_length()}"
            )
        return value

    @model_validator(mode="after")
    def _fits_a_word(self) -> "ResidualConfig":
        bits = self.codebook_size.bit_length() - 1
        if self.levels * bits > KEY_BITS:
            raise ValueError(
                f"{self.levels} levels of {bits} bits (codebook_size = {self.codebook_size}) are {self.levels * bits} "
                f"bits a semantic ID, but at most {KEY_BITS} can be trained; set levels to at most "
                f"{KEY_BITS // bits}, or codebook_size to at most {1 << (KEY_BITS // self.levels)}"
            )
        return self

    def check(self, n_items: int) -> None:
        """Raise BadData when so few items cannot train so many codes."""
        check_items(n_items, self.codebook_size, 1 << max(0, n_items.bit_length() - 1))

    def fit(self, data: QuantizerData, seed: int, threads: int) -> Quantizer:
        """Learn codebooks from item embeddings; raises BadData when there are fewer of them than codes a level."""
        self.check(len(data.embedding_ND))
        codebooks_LKD = _train(data.embedding_ND, self, seed, threads)
        codebooks = torch.from_numpy(codebooks_LKD)
        return Quantizer(tuple(codebooks_LKD), BeamEncoder(codebooks, self.beam), SumDecoder(codebooks))


def _train(embedding_ND: FloatArray, config: ResidualConfig, seed: int, threads: int) -> FloatArray:
    dimension = embedding_ND.shape[1]
    trained = faiss.ResidualQuantizer(dimension, config.levels, config.codebook_size.bit_length() - 1)
    trained.max_beam_size = config.training_beam
    trained.train_type = faiss.ResidualQuantizer.Train_progressive_dim
    if config.refine:
        trained.train_type |= faiss.ResidualQuantizer.Train_refine_codebook
    trained.cp.seed = seed + 1
    trained.cp.min_points_per_centroid = 1  # small catalogues are fine; the check above is ours
    old_threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(threads)
    try:
        trained.train(np.ascontiguousarray(embedding_ND, dtype=np.float32))
    finally:
        faiss.omp_set_num_threads(old_threads)
    flat = faiss.vector_to_array(trained.codebooks).astype(np.float32)
    return np.ascontiguousarray(flat.reshape(config.levels, config.codebook_size, dimension))
