"""A navigable small-world graph over full vectors (Malkov and Yashunin 2018, arXiv 1603.09320)."""

from collections.abc import Mapping
from typing import ClassVar, Literal

import faiss
from pydantic import Field

from bundle.config import Config
from index.corpus import Corpus
from index.kinds.filling import add_rows
from index.kinds.parameters import check_params

MEASURED_EF = (16, 32, 64, 128, 256)
LARGEST_EF = 1_024
# Layer and offset of an item, which faiss reads instead of mapping.
UNMAPPED_BYTES = 12


class HnswKind(Config):
    """Graph search for read-mostly, unfiltered corpora; 4 bytes a dimension plus about 8 m bytes an item.

    faiss's `bounded_queue` search option stays at its default: switched off, the 1.15.1 build ignores selectors.
    """

    kind: Literal["hnsw"] = "hnsw"
    m: int = Field(default=32, ge=2, le=256, description="Links of a node in each upper layer; twice that in the base.")
    ef_construction: int = Field(default=80, ge=2, le=4_096, description="Candidates kept while linking a new item.")
    ef_search: int = Field(
        default=64, ge=1, le=65_536, description="Candidates kept in a search where a request gives no ef_search."
    )

    runs_on_gpu: ClassVar[bool] = False
    accepted: ClassVar[tuple[str, ...]] = ("ef_search",)

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

    def unmapped_bytes(self, n_items: int) -> int:
        """What opening the mapped index allocates, about."""
        return UNMAPPED_BYTES * n_items

    def candidates_per_hit(self, params: Mapping[str, int]) -> int | None:
        """How many candidates a request scores exactly for each hit; None, because every score is exact."""
        return None

    def setting(self) -> dict[str, int]:
        """The search parameters used where a request gives none."""
        return {"ef_search": self.ef_search}

    def parameters(self, params: Mapping[str, int]) -> faiss.SearchParameters | None:
        """The faiss parameters of one request over the defaults; raises InvalidSearchParams."""
        check_params(self.kind, params, self.accepted)
        return faiss.SearchParametersHNSW(efSearch=params.get("ef_search", self.ef_search))

    def variants(self) -> "list[HnswKind]":
        """The settings worth measuring, cheapest first."""
        return [self._at(ef_search) for ef_search in sorted({*MEASURED_EF, self.ef_search})]

    def wider(self) -> "list[HnswKind]":
        """The same graph with ef_search doubled; none from 1,024 on, where a larger m is the better spending."""
        return [self._at(min(2 * self.ef_search, LARGEST_EF))] if self.ef_search < LARGEST_EF else []

    def _at(self, ef_search: int) -> "HnswKind":
        return self.model_copy(update={"ef_search": ef_search})
