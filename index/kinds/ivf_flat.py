"""Inverted lists over full vectors: a query is compared with the items of the nprobe nearest cells.

N corpus, D embedding.
"""

import math
from typing import ClassVar, Literal

import faiss
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bundle.errors import ConfigError
from index.corpus import Corpus
from index.kinds.filling import add_rows
from index.kinds.inverted_lists import MOST_LISTS, InvertedLists


class IvfFlatKind(InvertedLists):
    """Inverted lists with exact vectors; 4 bytes a dimension and item plus 8 an item."""

    kind: Literal["ivf_flat"] = "ivf_flat"
    nlist: int | None = Field(
        default=None, ge=1, le=MOST_LISTS, description="Number of cells; the power of two near 4*sqrt(n) if not given."
    )
    sample_per_list: int = Field(
        default=64, ge=1, le=1_024, description="Items drawn for each cell to learn the cells from."
    )

    runs_on_gpu: ClassVar[bool] = True

    @property
    def n_lists(self) -> int | None:
        """Number of cells; None before `resolve` where none was given."""
        return self.nlist

    def resolve(self, corpus: Corpus) -> "IvfFlatKind":
        """The kind with nlist filled in; raises ConfigError when there are fewer items than cells asked for."""
        n_items = len(corpus)
        nlist = self.nlist or min(n_items, 2 ** round(math.log2(4 * math.sqrt(n_items))))
        if nlist > n_items:
            raise ConfigError(f"kind.nlist is {nlist} but the catalogue has {n_items} items; lower it", nlist=nlist)
        return self.model_copy(update={"nlist": nlist, "nprobe": min(self.nprobe, nlist)})

    def build(self, corpus: Corpus, seed: int) -> faiss.Index:
        """A faiss index over the rows, inner product, cells learnt from a seeded sample."""
        resolved, vectors_ND = self.resolve(corpus), corpus.vectors_ND
        nlist, dimension = resolved.nlist or 1, vectors_ND.shape[1]
        index = faiss.IndexIVFFlat(faiss.IndexFlatIP(dimension), dimension, nlist, faiss.METRIC_INNER_PRODUCT)
        index.cp.seed = seed
        index.cp.min_points_per_centroid = 1  # a small corpus has fewer than the 39 that faiss warns below
        index.nprobe = resolved.nprobe
        index.train(_sample(vectors_ND, nlist * self.sample_per_list, seed))
        add_rows(index, vectors_ND)
        return index


def _sample(vectors_ND: NDArray[np.float32], size: int, seed: int) -> NDArray[np.float32]:
    if size >= len(vectors_ND):
        return np.ascontiguousarray(vectors_ND)
    rows = np.random.default_rng(seed).choice(len(vectors_ND), size, replace=False)
    return np.ascontiguousarray(vectors_ND[np.sort(rows)])
