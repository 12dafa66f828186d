"""What the graph kinds share: a search walks from item to item towards the query, keeping the best it has met."""

from collections.abc import Mapping
from typing import ClassVar, Self

import faiss
from pydantic import Field

from bundle.config import Config
from index.kinds.parameters import check_params

MEASURED_EF = (16, 32, 64, 128, 256)
LARGEST_EF = 1_024
# Layer and offset of an item, which faiss reads instead of mapping.
UNMAPPED_BYTES = 12


class GraphSearch(Config):
    """Search settings of a graph over full vectors; a kind adds how the graph is linked.

    faiss's `bounded_queue` search option stays at its default: switched off, the 1.15.1 build ignores selectors.
    """

    ef_search: int = Field(
        default=64, ge=1, le=65_536, description="Candidates kept in a search where a request gives no ef_search."
    )

    kind: str
    runs_on_gpu: ClassVar[bool] = False
    needs_gpu_to_build: ClassVar[bool] = False
    accepted: ClassVar[tuple[str, ...]] = ("ef_search",)

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

    def variants(self) -> list[Self]:
        """The settings worth measuring, cheapest first."""
        return [self._at(ef_search) for ef_search in sorted({*MEASURED_EF, self.ef_search})]

    def wider(self) -> list[Self]:
        """The same graph with ef_search doubled; none from 1,024 on, where more links are the better spending."""
        return [self._at(min(2 * self.ef_search, LARGEST_EF))] if self.ef_search < LARGEST_EF else []

    def _at(self, ef_search: int) -> Self:
        return self.model_copy(update={"ef_search": ef_search})
