"""Inverted lists by semantic ID: a query is compared with the items under the prefixes nearest to it.

N corpus, D embedding, L levels.
"""

import math
from typing import ClassVar, Literal

import faiss
import numpy as np
from pydantic import Field

from bundle.errors import ConfigError
from bundle.semantic_id import IntArray
from index.codebooks import FloatArray, additive_codebooks
from index.corpus import Corpus, CorpusCodes
from index.kinds.filling import ROWS_AT_A_TIME
from index.kinds.inverted_lists import ID_BYTES, MOST_LISTS, InvertedLists

# All prefixes are scored from one table a level, each with depth additions; a beam would cost more and could miss.
SCORE_ALL_PREFIXES = -1.0


class SemanticPrefixKind(InvertedLists):
    """Candidates by matching nprobe prefixes, scored exactly; 4 bytes a dimension and item plus 8 an item.

    The lists are the semantic IDs that the bundle gave its items; nothing is learnt. It needs a bundle whose quantizer
    sums one vector a level, with a power of two of codes (the residual quantizer).
    """

    kind: Literal["semantic_prefix"] = "semantic_prefix"
    depth: int = Field(default=1, ge=1, le=2, description="Codes of the prefixes that are matched.")
    n_prefixes: int | None = Field(
        default=None, ge=1, le=MOST_LISTS, description="Number of prefixes; follows from the bundle, not to be given."
    )

    runs_on_gpu: ClassVar[bool] = False
    skips_lists: ClassVar[bool] = False  # faiss's residual coarse quantizer takes no selector

    @property
    def n_lists(self) -> int | None:
        """Number of prefixes; None before `resolve`."""
        return self.n_prefixes

    def resolve(self, corpus: Corpus) -> "SemanticPrefixKind":
        """The kind with n_prefixes filled in; raises ConfigError where the bundle's quantizer does not fit."""
        n_prefixes = _count_prefixes(_coded(corpus).codec.space.codebook_sizes, self.depth)
        if self.n_prefixes not in (None, n_prefixes):
            raise ConfigError(
                f"kind.n_prefixes is {self.n_prefixes}, but {self.depth} levels of this bundle make {n_prefixes} "
                "prefixes; leave it out"
            )
        return self.model_copy(update={"n_prefixes": n_prefixes, "nprobe": min(self.nprobe, n_prefixes)})

    def bytes_per_item(self, dimension: int) -> int:
        """What the lists hold of one item."""
        return 4 * dimension + ID_BYTES

    def build(self, corpus: Corpus, seed: int) -> faiss.Index:
        """A faiss index over the rows, inner product, one list a prefix; raises ConfigError as `resolve` does."""
        resolved, coded = self.resolve(corpus), _coded(corpus)
        tables = additive_codebooks(coded.codec, coded.codes_NL)[: self.depth]
        coarse, dimension = _coarse(tables), corpus.vectors_ND.shape[1]
        index = faiss.IndexIVFFlat(coarse, dimension, coarse.ntotal, faiss.METRIC_INNER_PRODUCT)
        index.nprobe = resolved.nprobe
        index.is_trained = True
        _add(index, corpus, _list_numbers(coded, self.depth))
        return index


def _coded(corpus: Corpus) -> CorpusCodes:
    if corpus.codes is None:
        raise ConfigError(
            "kind semantic_prefix needs semantic IDs, but the bundle was trained without a quantizer; train one with a "
            "[quantizer] section, or choose another kind"
        )
    return corpus.codes


def _count_prefixes(codebook_sizes: tuple[int, ...], depth: int) -> int:
    sizes = codebook_sizes[:depth]
    if len(sizes) < depth:
        raise ConfigError(f"kind.depth is {depth}, but semantic IDs of this bundle have {len(sizes)} level; lower it")
    for size in sizes:
        if size < 2 or size.bit_count() != 1:
            raise ConfigError(
                f"kind semantic_prefix takes codebooks whose size is a power of two, but this bundle has one of {size} "
                "codes; choose another kind"
            )
    if math.prod(sizes) > MOST_LISTS:
        raise ConfigError(
            f"{depth} levels of this bundle make {math.prod(sizes)} prefixes, but at most {MOST_LISTS} can be lists; "
            "lower kind.depth"
        )
    return math.prod(sizes)


def _coarse(tables: list[FloatArray]) -> faiss.Index:
    bits = faiss.UInt64Vector()
    for table_KD in tables:
        bits.push_back(_bits(len(table_KD)))
    coarse = faiss.ResidualCoarseQuantizer(tables[0].shape[1], bits, faiss.METRIC_L2)
    faiss.copy_array_to_vector(np.concatenate(tables).ravel(), coarse.rq.codebooks)
    coarse.rq.is_trained = coarse.is_trained = True
    coarse.ntotal = math.prod(map(len, tables))
    coarse.set_beam_factor(SCORE_ALL_PREFIXES)
    return coarse


def _list_numbers(coded: CorpusCodes, depth: int) -> IntArray:
    """The number that the coarse quantizer gives each row's prefix: packed bits, the first level lowest."""
    sizes = coded.codec.space.codebook_sizes[:depth]
    shift_L = np.concatenate([[0], np.cumsum([_bits(size) for size in sizes])[:-1]])
    list_N: IntArray = (coded.codes_NL[:, :depth] << shift_L).sum(axis=1)
    return list_N


def _bits(size: int) -> int:
    return size.bit_length() - 1


def _add(index: faiss.Index, corpus: Corpus, list_N: IntArray) -> None:
    """Add the rows to the lists of their own codes, which an encoder with a beam need not choose as the nearest."""
    for start in range(0, len(corpus), ROWS_AT_A_TIME):
        part_ND = np.ascontiguousarray(corpus.vectors_ND[start : start + ROWS_AT_A_TIME])
        part_N = np.ascontiguousarray(list_N[start : start + ROWS_AT_A_TIME])
        index.add_core(len(part_ND), faiss.swig_ptr(part_ND), None, faiss.swig_ptr(part_N))
