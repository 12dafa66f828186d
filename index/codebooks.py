"""The codebooks of a codec, read back from its decode graph where decoding is a sum of one vector a level.

N corpus, D embedding, L levels, K codes of a level, C codes drawn to check with.
"""

import numpy as np
from numpy.typing import NDArray

from bundle.errors import ConfigError
from bundle.quantizer import SemanticIdCodec
from bundle.semantic_id import IntArray

FloatArray = NDArray[np.float32]
CHECKED_CODES = 64
TOLERANCE = 1e-4


def additive_codebooks(codec: SemanticIdCodec, codes_NL: IntArray) -> list[FloatArray]:
    """One table [K, D] a level whose chosen rows sum to what `codec` decodes.

    Which part of a sum belongs to which level cannot be told from sums; it is settled by giving every level but the
    first the mean 0 over the corpus. So the sum over a prefix is the mean embedding that the prefix stands for, were
    the codes that follow independent of it. Raises ConfigError when decoding is no such sum.
    """
    sizes = codec.space.codebook_sizes
    origin_1D = codec.decode(np.zeros((1, len(sizes)), dtype=np.int64))
    tables = [_effect(codec, level) - origin_1D for level in range(len(sizes))]
    for level in range(1, len(sizes)):
        share_K = np.bincount(codes_NL[:, level], minlength=sizes[level]) / len(codes_NL)
        mean_D = (share_K @ tables[level]).astype(np.float32)
        tables[level] -= mean_D
        tables[0] += mean_D
    tables[0] += origin_1D
    _check(codec, tables)
    return tables


def _effect(codec: SemanticIdCodec, level: int) -> FloatArray:
    """What every code of `level` decodes to, with code 0 at all others."""
    codes_KL = np.zeros((codec.space.codebook_sizes[level], codec.space.levels), dtype=np.int64)
    codes_KL[:, level] = np.arange(len(codes_KL))
    return codec.decode(codes_KL)


def _check(codec: SemanticIdCodec, tables: list[FloatArray]) -> None:
    rng = np.random.default_rng(0)
    codes_CL = np.stack([rng.integers(0, len(table_KD), CHECKED_CODES) for table_KD in tables], axis=1)
    expected_CD = codec.decode(codes_CL)
    sum_CD = sum(table_KD[codes_C] for table_KD, codes_C in zip(tables, codes_CL.T, strict=True))
    if np.abs(sum_CD - expected_CD).max() > TOLERANCE * max(1, np.abs(expected_CD).max()):
        raise ConfigError(
            "the quantizer of this bundle does not decode to a sum of one vector a level, so its prefixes have no "
            "place among the embeddings; choose kind flat, ivf_flat or hnsw, or train with the residual quantizer"
        )
