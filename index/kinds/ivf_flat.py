"""Inverted lists over full vectors: a query is compared with the items of the nprobe nearest cells.

N corpus, D embedding.
"""

import math
from collections.abc import Mapping
from typing import ClassVar, Literal

import faiss
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bundle.config import Config
from bundle.errors import ConfigError
from index.kinds.filling import add_rows
from index.kinds.parameters import check_params

MEASURED_NPROBE = (1, 4, 16, 64, 256)


class IvfFlatKind(Config):
    """Inverted lists with exact vectors; 4 bytes a dimension and item plus 8 an item."""

    kind: Literal["ivf_flat"] = "ivf_flat"
    nlist: int | None = Field(
        default=None, ge=1, le=1_048_576, description="Number of cells; the power of two near 4*sqrt(n) if not given."
    )
    nprobe: int = Field(default=16, ge=1, le=65_536, description="Cells searched where a request gives no nprobe.")
    sample_per_list: int = Field(
        default=64, ge=1, le=1_024, description="Items drawn for each cell to learn the cells from."
    )

    runs_on_gpu: ClassVar[bool] = True
    accepted: ClassVar[tuple[str, ...]] = ("nprobe",)

    def resolve(self, n_items: int) -> "IvfFlatKind":
        """The kind with nlist filled in; raises ConfigError when there are fewer items than cells asked for."""
        nlist = self.nlist or min(n_items, 2 ** round(math.log2(4 * math.sqrt(n_items))))
        if nlist > n_items:
            raise ConfigError(f"kind.nlist is {nlist} but the catalogue has {n_items} items; lower it", nlist=nlist)
        return self.model_copy(update={"nlist": nlist, "nprobe": min(self.nprobe, nlist)})

    def is_deterministic(self, threads: int) -> bool:
        """Whether two builds of the same vectors, seed and thread count give the same bytes."""
        return True

    def build(self, vectors_ND: NDArray[np.float32], seed: int) -> faiss.Index:
        """A faiss index over the rows, inner product, cells learnt from a seeded sample."""
        resolved = self.resolve(len(vectors_ND))
        nlist, dimension = resolved.nlist or 1, vectors_ND.shape[1]
        index = faiss.IndexIVFFlat(faiss.IndexFlatIP(dimension), dimension, nlist, faiss.METRIC_INNER_PRODUCT)
        index.cp.seed = seed
        index.cp.min_points_per_centroid = 1  # a small corpus has fewer than the 39 that faiss warns below
        index.nprobe = resolved.nprobe
        index.train(_sample(vectors_ND, nlist * self.sample_per_list, seed))
        add_rows(index, vectors_ND)
        return index

    def setting(self) -> dict[str, int]:
        """The search parameters used where a request gives none."""
        return {"nprobe": self.nprobe}

    def parameters(self, params: Mapping[str, int]) -> faiss.SearchParameters | None:
        """The faiss parameters of one request over the defaults; raises InvalidSearchParams."""
        check_params(self.kind, params, self.accepted)
        return faiss.SearchParametersIVF(nprobe=params.get("nprobe", self.nprobe))

    def variants(self) -> "list[IvfFlatKind]":
        """The settings worth measuring, cheapest first."""
        values = sorted({*MEASURED_NPROBE, self.nprobe})
        return [self._at(nprobe) for nprobe in values if nprobe <= (self.nlist or nprobe)]

    def wider(self) -> "IvfFlatKind | None":
        """The same lists with nprobe doubled; None once every cell is searched, which is exact."""
        nlist = self.nlist or self.nprobe
        return self._at(min(2 * self.nprobe, nlist)) if self.nprobe < nlist else None

    def _at(self, nprobe: int) -> "IvfFlatKind":
        return self.model_copy(update={"nprobe": nprobe})


def _sample(vectors_ND: NDArray[np.float32], size: int, seed: int) -> NDArray[np.float32]:
    if size >= len(vectors_ND):
        return np.ascontiguousarray(vectors_ND)
    rows = np.random.default_rng(seed).choice(len(vectors_ND), size, replace=False)
    return np.ascontiguousarray(vectors_ND[np.sort(rows)])
