"""Fit from scratch, then name the codes of each level so that they agree most with the earlier ones.

Axes: N items, L levels, K codes of a level, B rows of a batch, R rows of all codebooks together.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Literal

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from training.quantizers import QuantizerConfig
from training.quantizers.codes import encode_all
from training.quantizers.contract import AdditiveBuilder, Quantizer, QuantizerData
from training.ragged import IntArray
from training.stability.contract import Earlier, EarlierBundle


class MatchConfig(EarlierBundle):
    """Codes are renamed after the fit, which costs no quality; items that changed their group keep changing."""

    mode: Literal["match"] = "match"

    def check(self, config: QuantizerConfig) -> None:
        """Codes of every kind can be renamed."""

    def fit(self, config: QuantizerConfig, data: QuantizerData, earlier: Earlier, seed: int, threads: int) -> Quantizer:
        """The quantizer from scratch under the names that agree most; raises BadData when there are too few items."""
        fitted = config.fit(data, seed, threads)
        code_NL = encode_all(fitted, data.embedding_ND)
        return renamed(fitted, config, best_names(code_NL, earlier.code_NL, fitted.codebook_sizes))


def best_names(code_NL: IntArray, earlier_NL: IntArray, codebook_sizes: Sequence[int]) -> list[IntArray]:
    """For each level the new name int64 [K] of every code: the one-to-one assignment (Hungarian method) under which
    most items have their earlier code, of the items whose codes before agree already; among equals, most of all items.
    """
    agrees_N = np.ones(len(code_NL), dtype=np.bool_)
    names = []
    for level, size in enumerate(codebook_sizes):
        pair_N = code_NL[:, level] * size + earlier_NL[:, level]
        all_KK = np.bincount(pair_N, minlength=size * size).reshape(size, size)
        first_KK = np.bincount(pair_N[agrees_N], minlength=size * size).reshape(size, size)
        _, name_K = linear_sum_assignment(first_KK * (len(code_NL) + 1) + all_KK, maximize=True)
        names.append(name_K.astype(np.int64))
        agrees_N &= name_K[code_NL[:, level]] == earlier_NL[:, level]
    return names


def renamed(quantizer: Quantizer, config: QuantizerConfig, names: Sequence[IntArray]) -> Quantizer:
    """The same quantizer with code k of level l called `names[l][k]`, in its graphs and its codebooks.

    Codebooks that add up in the embedding's space are reordered; any other kind gets a table around its graphs.
    """
    old = [np.argsort(name_K) for name_K in names]
    codebooks = tuple(book_KD[old_K] for book_KD, old_K in zip(quantizer.codebooks, old, strict=True))
    kind: object = config
    if isinstance(kind, AdditiveBuilder):
        return kind.assemble(codebooks)
    encode, decode = _RenamedEncoder(quantizer.encode, names), _RenamedDecoder(quantizer.decode, old)
    return replace(quantizer, codebooks=codebooks, encode=encode, decode=decode)


class _Table(nn.Module):
    """Looks every code up in the table of its level; the tables stand behind each other."""

    name_R: Tensor
    first_L: Tensor

    def __init__(self, names: Sequence[IntArray]) -> None:
        super().__init__()
        self.register_buffer("name_R", torch.from_numpy(np.concatenate(names)))
        self.register_buffer("first_L", torch.tensor([0, *accumulate(map(len, names[:-1]))]))

    def forward(self, code_BL: Tensor) -> Tensor:
        """int64 [B, L] -> int64 [B, L]."""
        return self.name_R[code_BL + self.first_L]


class _RenamedEncoder(nn.Module):
    def __init__(self, encode: nn.Module, names: Sequence[IntArray]) -> None:
        super().__init__()
        self.encode, self.table = encode, _Table(names)

    def forward(self, embedding_BD: Tensor) -> Tensor:
        """float32 [B, D] -> int64 [B, L]."""
        code_BL: Tensor = self.table(self.encode(embedding_BD))
        return code_BL


class _RenamedDecoder(nn.Module):
    def __init__(self, decode: nn.Module, old: Sequence[IntArray]) -> None:
        super().__init__()
        self.table, self.decode = _Table(old), decode

    def forward(self, code_BL: Tensor) -> Tensor:
        """int64 [B, L] -> float32 [B, D]."""
        embedding_BD: Tensor = self.decode(self.table(code_BL))
        return embedding_BD
