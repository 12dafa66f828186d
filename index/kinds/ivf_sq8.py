"""Inverted lists over 8-bit numbers: every dimension of what is left of a vector behind its cell's centre."""

from typing import ClassVar, Literal

import faiss
from pydantic import Field

from index.kinds.coded_lists import MOST_REFINE, CodedLists
from index.kinds.inverted_lists import ID_BYTES


class IvfSq8Kind(CodedLists):
    """Inverted lists with one byte a dimension, plus 8 bytes an item."""

    kind: Literal["ivf_sq8"] = "ivf_sq8"
    refine: int = Field(
        default=4,
        ge=1,
        le=MOST_REFINE,
        description="Candidates scored exactly for each hit asked for, where a request gives no refine.",
    )

    runs_on_gpu: ClassVar[bool] = True

    def bytes_per_item(self, dimension: int) -> int:
        """What the lists hold of one item."""
        return dimension + ID_BYTES

    def _lists(self, coarse: faiss.Index, dimension: int, nlist: int, seed: int) -> faiss.Index:
        eight_bits = faiss.ScalarQuantizer.QT_8bit
        return faiss.IndexIVFScalarQuantizer(coarse, dimension, nlist, eight_bits, faiss.METRIC_INNER_PRODUCT)
