"""Exact search: every query is compared with every item."""

from collections.abc import Mapping
from typing import ClassVar, Literal

import faiss

from bundle.config import Config
from index.corpus import Corpus
from index.kinds.filling import add_rows
from index.kinds.parameters import check_params


class FlatKind(Config):
    """Exact search; 4 bytes a dimension and item, cost linear in the corpus."""

    kind: Literal["flat"] = "flat"

    runs_on_gpu: ClassVar[bool] = True
    needs_gpu_to_build: ClassVar[bool] = False
    accepted: ClassVar[tuple[str, ...]] = ()

    def resolve(self, corpus: Corpus) -> "FlatKind":
        """The kind with every size-dependent value filled in; there is none."""
        return self

    def is_deterministic(self, threads: int) -> bool:
        """Whether two builds of the same vectors give the same bytes."""
        return True

    def build(self, corpus: Corpus, seed: int) -> faiss.Index:
        """A faiss index over the rows, inner product."""
        index = faiss.IndexFlatIP(corpus.vectors_ND.shape[1])
        add_rows(index, corpus.vectors_ND)
        return index

    def bytes_per_item(self, dimension: int) -> int:
        """What the index holds of one item."""
        return 4 * dimension

    def unmapped_bytes(self, n_items: int) -> int:
        """What opening the mapped index allocates, about."""
        return 0

    def candidates_per_hit(self, params: Mapping[str, int]) -> int | None:
        """How many candidates a request scores exactly for each hit; None, because every score is exact."""
        return None

    def setting(self) -> dict[str, int]:
        """The search parameters used where a request gives none."""
        return {}

    def parameters(self, params: Mapping[str, int]) -> faiss.SearchParameters | None:
        """No faiss parameters; raises InvalidSearchParams when `params` names any."""
        check_params(self.kind, params, self.accepted)
        return None

    def variants(self) -> "list[FlatKind]":
        """The settings worth measuring, cheapest first."""
        return [self]

    def wider(self) -> "list[FlatKind]":
        """The next settings with more recall; exact search has none."""
        return []
