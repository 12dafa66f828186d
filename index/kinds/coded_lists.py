"""What the kinds with codes in their lists share: codes find candidates, exact vectors order them.

A search takes k times `refine` candidates by their codes and scores these anew with the vectors of the index version
(index/refine.py), which may lie on disk. So scores are inner products whatever the code, and the code decides only
which items are among the candidates.
"""

from collections.abc import Mapping
from typing import ClassVar, Self

import faiss
from pydantic import Field

from index.errors import InvalidSearchParams
from index.kinds.learnt_lists import LearntLists

MEASURED_REFINE = (1, 4, 16)
# Bounds the candidates of one query, each of which faiss keeps on a heap and search reads a vector of.
MOST_REFINE = 64


class CodedLists(LearntLists):
    """Search settings of coded lists; a kind adds its code."""

    refine: int = Field(
        default=10,
        ge=1,
        le=MOST_REFINE,
        description="Candidates scored exactly for each hit asked for, where a request gives no refine.",
    )

    accepted: ClassVar[tuple[str, ...]] = ("nprobe", "refine")

    def setting(self) -> dict[str, int]:
        """The search parameters used where a request gives none."""
        return {"nprobe": self.nprobe, "refine": self.refine}

    def parameters(
        self,
        params: Mapping[str, int],
        rows: faiss.IDSelector | None = None,
        lists: faiss.IDSelector | None = None,
    ) -> faiss.SearchParameters | None:
        """The faiss parameters of one request over the defaults; raises InvalidSearchParams."""
        found = super().parameters(params, rows, lists)
        if params.get("refine", 1) > MOST_REFINE:
            raise InvalidSearchParams(
                f"search parameter 'refine' is {params['refine']}; give a whole number from 1 to {MOST_REFINE}",
                parameter="refine",
                kind=self.kind,
            )
        return found

    def candidates_per_hit(self, params: Mapping[str, int]) -> int | None:
        """How many candidates a request scores exactly for each hit; `parameters` has checked the request."""
        return params.get("refine", self.refine)

    def variants(self) -> list[Self]:
        """The settings worth measuring, cheapest first."""
        values = sorted({*MEASURED_REFINE, self.refine})
        return [lists.model_copy(update={"refine": refine}) for lists in super().variants() for refine in values]

    def wider(self) -> list[Self]:
        """The same lists with nprobe doubled, and with refine doubled; each as far as it goes."""
        more = min(2 * self.refine, MOST_REFINE)
        return super().wider() + ([self.model_copy(update={"refine": more})] if more > self.refine else [])
