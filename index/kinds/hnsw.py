"""A navigable small-world graph over full vectors (Malkov and Yashunin 2018, arXiv 1603.09320)."""

from typing import Literal

import faiss
from pydantic import Field

from index.corpus import Corpus
from index.kinds.filling import add_rows
from index.kinds.graph_search import UNMAPPED_BYTES, GraphSearch


class HnswKind(GraphSearch):
    """Graph search for read-mostly, unfiltered corpora; 4 bytes a dimension plus about 8 m bytes an item."""

    kind: Literal["hnsw"] = "hnsw"
    m: int = Field(default=32, ge=2, le=256, description="Links of a node in each upper layer; twice that in the base.")
    ef_construction: int = Field(default=80, ge=2, le=4_096, description="Candidates kept while linking a new item.")

    def resolve(self, corpus: Corpus) -> "HnswKind":
        """The kind with every size-dependent value filled in; there is none."""
        return self

    def is_deterministic(self, threads: int) -> bool:
        """Whether two builds of the same vectors give the same bytes; parallel linking does not promise it."""
        return threads == 1

    def build(self, corpus: Corpus, seed: int) -> faiss.Index:
        """A faiss index over the rows, inner product; `seed` draws the layer of each item."""
        index = faiss.IndexHNSWFlat(corpus.vectors_ND.shape[1], self.m, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.rng = faiss.RandomGenerator(12_345 + seed)
        index.hnsw.efConstruction = self.ef_construction
        index.hnsw.efSearch = self.ef_search
        add_rows(index, corpus.vectors_ND)
        return index

    def bytes_per_item(self, dimension: int) -> int:
        """What the index holds of one item: its vector, the links of the base layer, its layer and where they begin."""
        return 4 * dimension + 8 * self.m + UNMAPPED_BYTES
