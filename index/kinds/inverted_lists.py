"""What the kinds with inverted lists share: a query is compared with the items of the nprobe nearest lists."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import faiss
from pydantic import Field

from bundle.config import Config
from index.kinds.parameters import check_params

MEASURED_NPROBE = (1, 4, 16, 64, 256)
MOST_LISTS = 1_048_576
ID_BYTES = 8
# What faiss allocates for each list of a mapped index, measured.
LIST_BYTES = 640


class InvertedLists(Config):
    """Search settings of inverted lists; a kind adds how its lists are made."""

    nprobe: int = Field(default=16, ge=1, le=65_536, description="Lists searched where a request gives no nprobe.")

    kind: str
    accepted: ClassVar[tuple[str, ...]] = ("nprobe",)
    skips_lists: ClassVar[bool] = True
    needs_gpu_to_build: ClassVar[bool] = False

    @property
    def n_lists(self) -> int | None:
        """Number of lists; None before `resolve` where it follows from the corpus."""
        raise NotImplementedError

    def is_deterministic(self, threads: int) -> bool:
        """Whether two builds of the same corpus, seed and thread count give the same bytes."""
        return True

    def unmapped_bytes(self, n_items: int) -> int:
        """What opening the mapped index allocates, about."""
        return LIST_BYTES * (self.n_lists or 0)

    def candidates_per_hit(self, params: Mapping[str, int]) -> int | None:
        """How many candidates a request scores exactly for each hit; None, because the lists hold exact vectors."""
        return None

    def setting(self) -> dict[str, int]:
        """The search parameters used where a request gives none."""
        return {"nprobe": self.nprobe}

    def parameters(
        self,
        params: Mapping[str, int],
        rows: faiss.IDSelector | None = None,
        lists: faiss.IDSelector | None = None,
    ) -> faiss.SearchParameters | None:
        """The faiss parameters of one request over the defaults; raises InvalidSearchParams.

        `rows` are those that may be found; `lists` are those that hold any, where the kind can leave out the others.
        """
        check_params(self.kind, params, self.accepted)
        return faiss.SearchParametersIVF(**self.search_options(params, rows, lists))

    def search_options(
        self, params: Mapping[str, int], rows: faiss.IDSelector | None, lists: faiss.IDSelector | None
    ) -> dict[str, Any]:
        """What the faiss parameters of all inverted lists are made with."""
        options: dict[str, Any] = {"nprobe": params.get("nprobe", self.nprobe)}
        if rows is not None:
            options["sel"] = rows
        if lists is not None and self.skips_lists:
            options["quantizer_params"] = faiss.SearchParameters(sel=lists)
        return options

    def variants(self) -> list[Self]:
        """The settings worth measuring, cheapest first."""
        values = sorted({*MEASURED_NPROBE, self.nprobe})
        return [self._at(nprobe) for nprobe in values if nprobe <= (self.n_lists or nprobe)]

    def wider(self) -> list[Self]:
        """The same lists with nprobe doubled; none once every list is searched."""
        n_lists = self.n_lists or self.nprobe
        return [self._at(min(2 * self.nprobe, n_lists))] if self.nprobe < n_lists else []

    def _at(self, nprobe: int) -> Self:
        return self.model_copy(update={"nprobe": nprobe})
