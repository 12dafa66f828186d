"""Which pairs to label next so that a judge or reranker learns most from them.

Three reasons count: the judges are unsure, nothing like the pair is labelled yet, and the choice does not repeat
itself. Labels chosen so must not enter `design_based`, whose labels are drawn by known chances (`plan.draw_labels`).

N pairs, D embedding, M chosen pairs.
"""

import numpy as np
from pydantic import Field

from bundle.config import Config
from evaluation.judged.pairs import BoolArray, FloatArray, IntArray


class ChoiceConfig(Config):
    """How much each reason counts; each is brought to 0 to 1 over the pairs at hand."""

    uncertainty: float = Field(default=1.0, ge=0, description="Weight of how unsure the judges are.")
    novelty: float = Field(default=0.5, ge=0, description="Weight of the distance to what is labelled already.")
    diversity: float = Field(default=0.5, ge=0, description="Weight of the distance to what was chosen before.")


def choose_pairs(
    uncertainty_N: FloatArray, embedding_ND: FloatArray, labelled_N: BoolArray, count: int, config: ChoiceConfig
) -> IntArray:
    """The next `count` pairs [M] to label, the most useful first; never one that is labelled, fewer where few are left.

    Greedy: after each choice the distances to the chosen are brought up to date, O(M N D). Equal pairs go by number.
    """
    unit_ND = embedding_ND / np.maximum(np.linalg.norm(embedding_ND, axis=1, keepdims=True), 1e-12)
    to_labelled_N = _distance(unit_ND, np.flatnonzero(labelled_N))
    fixed_N = config.uncertainty * _to_unit(uncertainty_N) + config.novelty * to_labelled_N
    to_chosen_N = np.ones(len(unit_ND))
    open_N = ~labelled_N
    chosen: list[int] = []
    while len(chosen) < count and open_N.any():
        value_N = np.where(open_N, fixed_N + config.diversity * to_chosen_N, -np.inf)
        best = int(value_N.argmax())
        chosen.append(best)
        open_N[best] = False
        to_chosen_N = np.minimum(to_chosen_N, _distance(unit_ND, np.array([best])))
    return np.array(chosen, dtype=np.int64)


def disagreement(vote_NJ: FloatArray) -> FloatArray:
    """How unsure the judges are of each pair [N]: the standard deviation of its votes; 0 under two votes."""
    asked_NJ = ~np.isnan(vote_NJ)
    n_N = np.maximum(1, asked_NJ.sum(axis=1))
    mean_N = np.where(asked_NJ, vote_NJ, 0).sum(axis=1) / n_N
    spread_N: FloatArray = np.sqrt((np.where(asked_NJ, vote_NJ - mean_N[:, None], 0) ** 2).sum(axis=1) / n_N)
    return spread_N


def _distance(unit_ND: FloatArray, rows_M: IntArray) -> FloatArray:
    """Half of one less the largest cosine to these rows, in [0, 1]; 1 where there are none."""
    if len(rows_M) == 0:
        return np.ones(len(unit_ND))
    nearest_N = np.full(len(unit_ND), -1.0)
    for start in range(0, len(rows_M), 256):
        nearest_N = np.maximum(nearest_N, (unit_ND @ unit_ND[rows_M[start : start + 256]].T).max(axis=1))
    return np.clip((1 - nearest_N) / 2, 0, 1)


def _to_unit(value_N: FloatArray) -> FloatArray:
    low, high = float(value_N.min()), float(value_N.max())
    return (value_N - low) / (high - low) if high > low else np.zeros(len(value_N))
