"""Inverted lists over product codes (Jégou, Douze and Schmid 2011, IEEE TPAMI 33(1)).

N corpus, D embedding.
"""

from typing import ClassVar, Literal, Self

import faiss
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bundle.errors import ConfigError
from index.corpus import Corpus
from index.kinds.coded_lists import CodedLists
from index.kinds.inverted_lists import ID_BYTES

CENTROIDS = 256
DIMENSIONS_PER_CODE = 4
POINTS_PER_CENTROID = 64
ITERATIONS = 10


class IvfPqKind(CodedLists):
    """Inverted lists with one byte for every n_codes-th part of a vector, plus 8 bytes an item.

    Its codebooks make it the kind that takes longest to build after hnsw; ivf_rabitq finds as much from as few bytes.
    """

    kind: Literal["ivf_pq"] = "ivf_pq"
    n_codes: int | None = Field(
        default=None,
        ge=1,
        description="Codes of one byte an item; the largest divisor of the dimension up to a quarter of it if not "
        "given.",
    )

    runs_on_gpu: ClassVar[bool] = True

    def resolve(self, corpus: Corpus) -> Self:
        """The kind with nlist and n_codes filled in; raises ConfigError where n_codes does not divide the dimension."""
        return super().resolve(corpus).model_copy(update={"n_codes": self._codes(corpus.vectors_ND.shape[1])})

    def bytes_per_item(self, dimension: int) -> int:
        """What the lists hold of one item."""
        return self._codes(dimension) + ID_BYTES

    def _codes(self, dimension: int) -> int:
        most = max(1, dimension // DIMENSIONS_PER_CODE)
        n_codes = self.n_codes or next(count for count in range(most, 0, -1) if dimension % count == 0)
        if dimension % n_codes:
            raise ConfigError(
                f"kind.n_codes is {n_codes}, which does not divide the dimension {dimension}; choose a divisor",
                n_codes=n_codes,
            )
        return n_codes

    def _lists(self, coarse: faiss.Index, dimension: int, nlist: int, seed: int) -> faiss.Index:
        lists = faiss.IndexIVFPQ(coarse, dimension, nlist, self._codes(dimension), 8, faiss.METRIC_INNER_PRODUCT)
        lists.pq.cp.seed = seed
        lists.pq.cp.niter = ITERATIONS
        lists.pq.cp.max_points_per_centroid = POINTS_PER_CENTROID
        lists.pq.cp.min_points_per_centroid = 1
        return lists

    def _sample(self, vectors_ND: NDArray[np.float32], size: int, seed: int) -> NDArray[np.float32]:
        """The sample, repeated where it has fewer rows than a codebook has entries, which faiss refuses."""
        sample_ND = super()._sample(vectors_ND, size, seed)
        return sample_ND if len(sample_ND) >= CENTROIDS else np.resize(sample_ND, (CENTROIDS, sample_ND.shape[1]))
