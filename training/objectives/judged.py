"""The candidates of each query that a teacher scored, gathered side by side.

Axes: B queries, M items of the pool, J most judged candidates of a query, D embedding.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import embedding

from training.errors import TrainingError
from training.objectives.contract import LossInput


@dataclass(frozen=True)
class Judged:
    """Scores of the model and of the teacher, 0 where `is_judged_BJ` is False; `is_target_BJ` marks judged targets.

    Each candidate counts once, however often it was drawn: it is in a query's own list, not in a sampled denominator.
    """

    score_BJ: Tensor
    teacher_BJ: Tensor
    is_judged_BJ: Tensor
    is_target_BJ: Tensor


def judged_candidates(batch: LossInput, kind: str) -> Judged:
    """The valid items with a teacher's score, in float32 at least; no gradient reaches the teacher.

    Raises TrainingError when the batch carries no teacher scores at all.
    """
    if batch.teacher_BM is None:
        raise TrainingError(
            f"objective.kind = '{kind}' learns from a teacher's scores, but these batches carry none; "
            "give judgements or a teacher, or choose another objective"
        )
    column_BJ, is_judged_BJ = columns_of(batch.valid_BM & ~batch.teacher_BM.isnan())
    score_BJ = _scores_at(batch, column_BJ)
    teacher_BJ = batch.teacher_BM.detach().to(score_BJ.dtype).gather(1, column_BJ)
    return Judged(
        score_BJ=score_BJ.masked_fill(~is_judged_BJ, 0.0),
        teacher_BJ=teacher_BJ.masked_fill(~is_judged_BJ, 0.0),
        is_judged_BJ=is_judged_BJ,
        is_target_BJ=is_judged_BJ & batch.positive_BM.gather(1, column_BJ),
    )


def columns_of(mask_BM: Tensor) -> tuple[Tensor, Tensor]:
    """Columns [B, J] where each row of the mask is set, first come first, and which of them are no padding."""
    row_V, column_V = mask_BM.nonzero(as_tuple=True)
    count_B = torch.bincount(row_V, minlength=len(mask_BM))
    most = max(1, int(count_B.max()))
    place_V = torch.arange(len(row_V), device=row_V.device) - (count_B.cumsum(0) - count_B)[row_V]
    column_BJ = torch.zeros(len(count_B), most, dtype=torch.int64, device=row_V.device)
    column_BJ[row_V, place_V] = column_V
    return column_BJ, torch.arange(most, device=row_V.device) < count_B[:, None]


def log_shares(logit_BJ: Tensor, keep_BJ: Tensor) -> Tensor:
    """Log softmax over the kept entries of each row; 0, without gradient, elsewhere and in a row that keeps none."""
    allowed_BJ = keep_BJ | ~keep_BJ.any(1, keepdim=True)
    share_BJ: Tensor = logit_BJ.masked_fill(~allowed_BJ, -torch.inf).log_softmax(1)
    return share_BJ.masked_fill(~keep_BJ, 0.0)


def mean_over(value_BJ: Tensor, keep_BJ: Tensor) -> Tensor:
    """Mean of each row over its kept entries, 0 for a row that keeps none."""
    return value_BJ.masked_fill(~keep_BJ, 0.0).sum(1) / keep_BJ.sum(1).clamp_min(1)


def _scores_at(batch: LossInput, column_BJ: Tensor) -> Tensor:
    """Scores of few candidates a query by gathering them, of many by one product with the pool."""
    with torch.autocast(batch.query_BD.device.type, enabled=False):
        query_BD, item_MD = at_least_float32(batch.query_BD), at_least_float32(batch.item_MD)
        if 8 * column_BJ.shape[1] > len(item_MD):
            return (query_BD @ item_MD.T).gather(1, column_BJ)
        return (embedding(column_BJ, item_MD) * query_BD[:, None, :]).sum(-1)


def at_least_float32(value: Tensor) -> Tensor:
    """The value in float32; float64 stays."""
    return value if value.dtype == torch.float64 else value.float()
