"""One query whose scores are given: its embedding is (1), those of the items are the scores."""

import torch
from torch import Tensor

from training.objectives import LossInput

NAN = float("nan")


def one_query(
    scores: list[float],
    positives: list[int],
    *,
    teacher: list[float] | None = None,
    grades: list[float] | None = None,
    counts: list[int] | None = None,
    draws: list[int] | None = None,
) -> LossInput:
    """A batch of that query in float64, against every item."""

    def row(values: list[float] | None) -> Tensor | None:
        return None if values is None else torch.tensor([values], dtype=torch.float64)

    positive_BM = torch.zeros(1, len(scores), dtype=torch.bool)
    positive_BM[0, positives] = True
    return LossInput(
        torch.ones(1, 1, dtype=torch.float64),
        torch.tensor(scores, dtype=torch.float64)[:, None],
        positive_BM,
        torch.ones_like(positive_BM),
        draws_M=None if draws is None else torch.tensor(draws),
        teacher_BM=row(teacher),
        grade_BM=row(grades),
        count_M=None if counts is None else torch.tensor(counts),
    )


def close(value: Tensor, expected: float | list[float], atol: float = 2e-6) -> None:
    torch.testing.assert_close(value.flatten().squeeze(), torch.tensor(expected, dtype=value.dtype), rtol=0, atol=atol)
