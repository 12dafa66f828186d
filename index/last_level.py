"""Items of one branch spread over the free codes of the last level, by entropic transport.

M items that need a code, C free codes, D embedding. LC-Rec (Zheng et al. 2023, section 3.2) re-codes a group by
a balanced plan over all codes of the last level, and again while items still collide. Here a code that nobody needs may
stay empty, so items stay near; the plan is rounded to an assignment, so one pass is enough and nothing new collides.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from bundle.semantic_id import IntArray

FloatArray = npt.NDArray[np.float32]
Decode = Callable[[IntArray], FloatArray]
CostArray = npt.NDArray[np.float64]

ITERATIONS = 50
# Bounds of one cost matrix, in entries, and of one call of the decode graph, in codes.
MAX_ENTRIES = 1 << 20
DECODE_BATCH = 4_096


def spread(vectors_MD: FloatArray, prefix: Sequence[int], free_C: IntArray, decode: Decode, epsilon: float) -> IntArray:
    """A last code of its own for each item, int64 [M], near in |x - decode(prefix + code)|^2; -1 once codes run out.

    Codes go to the first items where there are more items than codes. Equal input gives equal codes.
    """
    codes_M = np.full(len(vectors_MD), -1, dtype=np.int64)
    decoded_CD = _decoded(prefix, free_C, decode)
    start = 0
    while start < len(vectors_MD) and len(free_C):
        stop = min(start + len(free_C), start + max(1, MAX_ENTRIES // len(free_C)), len(vectors_MD))
        chosen = _assign(_squared_distances(vectors_MD[start:stop], decoded_CD), epsilon)
        codes_M[start:stop] = free_C[chosen]
        free_C, decoded_CD = np.delete(free_C, chosen), np.delete(decoded_CD, chosen, axis=0)
        start = stop
    return codes_M


def transport_plan(cost_MC: CostArray, epsilon: float) -> CostArray:
    """The entropic plan [M, C], M <= C, that gives each row mass 1 and each column at most 1; all in the log domain.

    Costs are centred to -1..1 as LC-Rec does. What columns keep free goes to one more row, of equal cost everywhere.
    """
    rows, columns = cost_MC.shape
    middle = (cost_MC.max() + cost_MC.min()) / 2
    logits_RC = -(cost_MC - middle) / (cost_MC.max() - middle + 1e-5) / epsilon
    log_mass_R = np.zeros(rows)
    if columns > rows:
        logits_RC = np.vstack([logits_RC, np.zeros(columns)])
        log_mass_R = np.append(log_mass_R, np.log(columns - rows))
    column_C = np.zeros(columns)
    for _ in range(ITERATIONS):
        row_R = log_mass_R - _log_sum_exp(logits_RC + column_C, axis=1)
        column_C = -_log_sum_exp(logits_RC + row_R[:, None], axis=0)
    plan: CostArray = np.exp(logits_RC + row_R[:, None] + column_C)[:rows]
    return plan


def _assign(cost_MC: CostArray, epsilon: float) -> IntArray:
    """A column of its own for each row: the plan's heaviest entries first."""
    rows = len(cost_MC)
    # A row never needs a column beyond its M nearest: M - 1 others cannot take all of those.
    near_C = np.unique(np.argsort(cost_MC, axis=1, kind="stable")[:, :rows])
    plan_MC = transport_plan(cost_MC[:, near_C], epsilon)
    chosen_M = np.full(rows, -1, dtype=np.int64)
    is_taken_C = np.zeros(len(near_C), dtype=bool)
    left = rows
    for entry in np.argsort(-plan_MC, axis=None, kind="stable").tolist():
        row, column = divmod(entry, len(near_C))
        if chosen_M[row] < 0 and not is_taken_C[column]:
            chosen_M[row], is_taken_C[column] = near_C[column], True
            left -= 1
            if not left:
                break
    return chosen_M


def _decoded(prefix: Sequence[int], free_C: IntArray, decode: Decode) -> FloatArray:
    parts = []
    for start in range(0, len(free_C), DECODE_BATCH):
        last_C = free_C[start : start + DECODE_BATCH]
        parts.append(decode(np.column_stack([np.tile(np.array(prefix, dtype=np.int64), (len(last_C), 1)), last_C])))
    return np.concatenate(parts) if parts else np.empty((0, 0), dtype=np.float32)


def _squared_distances(vectors_MD: FloatArray, decoded_CD: FloatArray) -> CostArray:
    # The expanded form loses digits in float32 where a vector is near a code.
    x_MD, y_CD = vectors_MD.astype(np.float64), decoded_CD.astype(np.float64)
    distances: CostArray = (x_MD**2).sum(1)[:, None] - 2 * x_MD @ y_CD.T + (y_CD**2).sum(1)
    return distances


def _log_sum_exp(values: CostArray, axis: int) -> CostArray:
    top = values.max(axis=axis, keepdims=True)
    total: CostArray = np.log(np.exp(values - top).sum(axis=axis)) + top.squeeze(axis)
    return total
