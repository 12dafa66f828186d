"""How much of the semantic IDs an update changed.

Axes: N items, D embedding, L levels.
"""

from dataclasses import dataclass

import numpy as np

from training.ragged import FloatArray, IntArray
from training.stability.contract import Earlier
from training.stability.procrustes import residual, rotation


@dataclass(frozen=True)
class Churn:
    """What changed since `bundle_id`.

    `changed[l - 1]`: share of items whose first l codes are others. `space_residual`: the part of the item embeddings
    that no rotation of the earlier ones explains (`procrustes.residual`); None where their widths differ.
    """

    bundle_id: str
    changed: tuple[float, ...]
    space_residual: float | None

    @classmethod
    def of(cls, earlier: Earlier, embedding_ND: FloatArray, code_NL: IntArray) -> "Churn":
        """Compare every item that the catalogue has now: the earlier bundle's codes of its record, and the new ones."""
        return cls(earlier.bundle_id, churn(earlier.code_NL, code_NL), _space_residual(earlier, embedding_ND))

    def metrics(self) -> dict[str, float]:
        """`churn@l` and `space_residual`."""
        found = {f"churn@{length}": share for length, share in enumerate(self.changed, start=1)}
        return found if self.space_residual is None else found | {"space_residual": self.space_residual}


def churn(earlier_NL: IntArray, code_NL: IntArray) -> tuple[float, ...]:
    """For every length l the share of rows whose first l codes differ."""
    differs_NL = np.logical_or.accumulate(earlier_NL != code_NL, axis=1)
    return tuple(differs_NL.mean(0).tolist())


def _space_residual(earlier: Earlier, embedding_ND: FloatArray) -> float | None:
    old_Nd = earlier.embedding_Nd
    if old_Nd.shape != embedding_ND.shape:
        return None
    return residual(old_Nd @ rotation(old_Nd, embedding_ND), embedding_ND)
