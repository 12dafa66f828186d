"""A graph that a GPU links in a fraction of the time of `hnsw`, searched on the CPU (Ootomo et al. 2024, CAGRA).

The graph has one layer, and a search enters it at random items. Files are in CPU form, as those of every kind.
"""

from typing import ClassVar, Literal

import faiss
import numpy as np
from pydantic import Field

from bundle.errors import ConfigError
from index.corpus import Corpus
from index.errors import DeviceUnavailable
from index.kinds.graph_search import UNMAPPED_BYTES, GraphSearch

# Copying a graph of a handful of items to the CPU form hung (faiss issue 4260).
LEAST_ITEMS = 1_000


class CagraKind(GraphSearch):
    """Graph search like `hnsw`, built by cuVS on the first GPU; 4 bytes a dimension and 4 a link an item."""

    kind: Literal["cagra"] = "cagra"
    graph_degree: int = Field(default=64, ge=8, le=512, description="Links of an item; an even number.", multiple_of=2)
    intermediate_graph_degree: int = Field(
        default=128, ge=8, le=1_024, description="Links of an item before the graph is pruned to graph_degree."
    )

    needs_gpu_to_build: ClassVar[bool] = True

    def resolve(self, corpus: Corpus) -> "CagraKind":
        """The kind itself; raises ConfigError for a corpus that is too small, or a graph pruned to more than it has."""
        if len(corpus) < LEAST_ITEMS:
            raise ConfigError(
                f"kind cagra takes {LEAST_ITEMS:,} items or more, but the catalogue has {len(corpus):,}; choose kind "
                "flat"
            )
        if self.intermediate_graph_degree < self.graph_degree:
            raise ConfigError(
                f"kind.intermediate_graph_degree is {self.intermediate_graph_degree}, but kind.graph_degree "
                f"{self.graph_degree}; the graph is pruned, so give at least as many links"
            )
        return self

    def is_deterministic(self, threads: int) -> bool:
        """Whether two builds of the same vectors give the same bytes; a GPU does not promise it."""
        return False

    def build(self, corpus: Corpus, seed: int) -> faiss.Index:
        """A faiss index over the rows in CPU form, inner product; raises DeviceUnavailable without cuVS and a GPU."""
        if not hasattr(faiss, "GpuIndexCagra") or faiss.get_num_gpus() < 1:
            lacks = "sees no GPU" if hasattr(faiss, "GpuIndexCagra") else "has no cuVS"
            raise DeviceUnavailable(
                f"kind cagra is built on a GPU by cuVS, but the installed faiss {faiss.__version__} {lacks}; install "
                'the extra "gpu" on a machine with an NVIDIA GPU, or choose kind hnsw',
                kind=self.kind,
            )
        config = faiss.GpuIndexCagraConfig()
        config.graph_degree, config.intermediate_graph_degree = self.graph_degree, self.intermediate_graph_degree
        vectors_ND = np.ascontiguousarray(corpus.vectors_ND)
        on_gpu = faiss.GpuIndexCagra(
            faiss.StandardGpuResources(), vectors_ND.shape[1], faiss.METRIC_INNER_PRODUCT, config
        )
        on_gpu.train(vectors_ND)
        index = self.empty(vectors_ND.shape[1])
        on_gpu.copyTo(index)
        return index

    def empty(self, dimension: int) -> faiss.Index:
        """The CPU form before a graph is copied into it: its base layer takes `graph_degree` links an item."""
        index = faiss.IndexHNSWCagra(dimension, self.graph_degree // 2, faiss.METRIC_INNER_PRODUCT)
        index.base_level_only = True
        index.hnsw.efSearch = self.ef_search
        return index

    def bytes_per_item(self, dimension: int) -> int:
        """What the index holds of one item: its vector, its links, its layer and where they begin."""
        return 4 * dimension + 4 * self.graph_degree + UNMAPPED_BYTES
