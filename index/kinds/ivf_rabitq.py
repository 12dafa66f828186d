"""Inverted lists over RaBitQ codes (Gao and Long 2024, arXiv 2405.12497; more bits: Gao et al. 2025, 2409.09913)."""

from collections.abc import Mapping
from typing import ClassVar, Literal

import faiss
from pydantic import Field

from index.kinds.coded_lists import CodedLists
from index.kinds.inverted_lists import ID_BYTES

# Queries as float (0 bits) take 50 to 80 times longer and find no more, so it is not a setting.
QUERY_BITS = 4
# Norm and correction of an item; with more than one bit an error bound and a second pair too.
FACTOR_BYTES = {1: 8, 4: 20}


class IvfRabitqKind(CodedLists):
    """Inverted lists with one or four bits a dimension behind a random rotation; no codebook is learnt.

    One bit takes an eighth of a byte a dimension plus 16 bytes an item, four bits half a byte plus 28 bytes an item.
    """

    kind: Literal["ivf_rabitq"] = "ivf_rabitq"
    bits: Literal[1, 4] = Field(default=1, description="Bits a dimension.")

    runs_on_gpu: ClassVar[bool] = False

    def bytes_per_item(self, dimension: int) -> int:
        """What the lists hold of one item."""
        return -(-dimension // 8) + -(-dimension * (self.bits - 1) // 8) + FACTOR_BYTES[self.bits] + ID_BYTES

    def parameters(
        self,
        params: Mapping[str, int],
        rows: faiss.IDSelector | None = None,
        lists: faiss.IDSelector | None = None,
    ) -> faiss.SearchParameters | None:
        """The faiss parameters of one request over the defaults; raises InvalidSearchParams."""
        super().parameters(params)
        searched = faiss.IVFRaBitQSearchParameters(qb=QUERY_BITS, **self.search_options(params, rows, lists))
        return faiss.SearchParametersPreTransform(index_params=searched)

    def _lists(self, coarse: faiss.Index, dimension: int, nlist: int, seed: int) -> faiss.Index:
        lists = faiss.IndexIVFRaBitQ(coarse, dimension, nlist, faiss.METRIC_INNER_PRODUCT, True, self.bits)
        lists.qb = QUERY_BITS
        return lists

    def _before_lists(self, lists: faiss.Index, seed: int) -> faiss.Index:
        """A rotation, which the code's error bound rests on; of an embedding's own axes some carry more than others."""
        rotation = faiss.RandomRotationMatrix(lists.d, lists.d)
        rotation.init(seed)
        return faiss.IndexPreTransform(rotation, lists)
