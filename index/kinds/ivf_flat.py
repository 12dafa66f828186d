"""Inverted lists over full vectors: a query is compared with the items of the nprobe nearest cells."""

from typing import ClassVar, Literal

import faiss

from index.kinds.inverted_lists import ID_BYTES
from index.kinds.learnt_lists import LearntLists


class IvfFlatKind(LearntLists):
    """Inverted lists with exact vectors; 4 bytes a dimension and item plus 8 an item."""

    kind: Literal["ivf_flat"] = "ivf_flat"

    runs_on_gpu: ClassVar[bool] = True

    def bytes_per_item(self, dimension: int) -> int:
        """What the lists hold of one item."""
        return 4 * dimension + ID_BYTES

    def _lists(self, coarse: faiss.Index, dimension: int, nlist: int, seed: int) -> faiss.Index:
        return faiss.IndexIVFFlat(coarse, dimension, nlist, faiss.METRIC_INNER_PRODUCT)
