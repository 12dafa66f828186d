"""Queries by examples: hits that are like all of some, like any of others, and unlike the rest.

The operations that LaSO learns (Alfassy et al., 2019, LaSO: label-set operations networks for multi-label few-shot
learning, CVPR) in their analytic form, which needs no training: an intersection is the least of the scores, a union the
largest, and a difference takes from a vector what it has in common with others.

Letters: M examples, D embedding, N corpus, R candidates.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.errors import ContradictoryExamples

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]
# Less of an example than this is what two runs of a tower over one record may differ by.
LEAST_REST = 0.05
_RANK_TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class ExampleSet:
    """What the hits of one query are to be like: vectors without what `none_of` has, and rows that shall be no hits.

    Made by `example_set`.
    """

    all_MD: FloatArray
    any_MD: FloatArray
    named_rows_M: IntArray

    def directions(self) -> FloatArray:
        """Vectors whose nearest rows are worth scoring: every example, and all together."""
        examples_MD = np.concatenate([self.all_MD, self.any_MD])
        return examples_MD if len(examples_MD) == 1 else np.concatenate([examples_MD, examples_MD.sum(0)[None]])

    def scores(self, vectors_RD: FloatArray) -> FloatArray:
        """Scores [R]: the least over `all_of` and the largest of `any_of`, so that every one counted is reached."""
        parts = [vectors_RD @ example_D for example_D in self.all_MD]
        if len(self.any_MD):
            parts.append((vectors_RD @ self.any_MD.T).max(axis=1))
        return np.asarray(np.minimum.reduce(parts), dtype=np.float32)


def example_set(
    all_MD: FloatArray, any_MD: FloatArray, none_MD: FloatArray, named_rows_M: IntArray, where: str
) -> ExampleSet:
    """The set of vectors that `check_queries` returned; `where` names it in an error.

    Every example of `all_of` and `any_of` loses its part in the space that `none_of` spans and gets its length back, so
    that scores stay what they are: cosines where vectors have unit length. Raises ContradictoryExamples where nothing
    of an example is left.
    """
    rests = []
    for name, examples_MD in (("all_of", all_MD), ("any_of", any_MD)):
        rest_MD = _without(examples_MD, none_MD)
        length_M, left_M = np.linalg.norm(examples_MD, axis=1), np.linalg.norm(rest_MD, axis=1)
        gone = np.flatnonzero(left_M < LEAST_REST * length_M)
        if len(gone):
            raise ContradictoryExamples(
                f"{where}.{name}[{int(gone[0])}] has nothing that none_of does not have too; take one of them out"
            )
        rests.append(rest_MD * (length_M / np.where(left_M > 0, left_M, 1))[:, None].astype(np.float32))
    return ExampleSet(rests[0], rests[1], np.unique(named_rows_M))


def _without(examples_MD: FloatArray, none_MD: FloatArray) -> FloatArray:
    """The vectors less their projections on the space of others."""
    if not len(none_MD) or not len(examples_MD):
        return examples_MD
    _, singular_R, basis_RD = np.linalg.svd(none_MD, full_matrices=False)
    basis_RD = basis_RD[singular_R > _RANK_TOLERANCE * max(singular_R[0], np.finfo(np.float32).tiny)]
    rest_MD: FloatArray = examples_MD - (examples_MD @ basis_RD.T) @ basis_RD
    return rest_MD
