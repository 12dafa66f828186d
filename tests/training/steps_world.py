"""Small towers and batches for the tests of a step: everything random about them comes from torch's generator.

Axes: B queries, M items, L numbers of a record, D embedding.
"""

from dataclasses import fields

import numpy as np
import torch
from torch import Tensor, nn

from tests.contracts.objective import batch as loss_input
from training.batches import Batch
from training.model import DualEncoder
from training.objectives import LossInput
from training.ragged import IntArray, Ragged

NUMBERS, DIMENSION = 6, 4


class RowDropout(nn.Module):
    """Dropout that draws its mask record by record, so that chunks draw the same masks as the whole."""

    def forward(self, value_BH: Tensor) -> Tensor:
        if not self.training:
            return value_BH
        return value_BH * torch.stack([torch.rand(value_BH.shape[1]) > 0.3 for _ in value_BH]) / 0.7


class SmallTower(nn.Module):
    """Two layers with dropout between them, and unit length."""

    def __init__(self, dropout: bool = True) -> None:
        super().__init__()
        self.hidden = nn.Linear(NUMBERS, 8)
        self.dropout = RowDropout() if dropout else nn.Identity()
        self.out = nn.Linear(8, DIMENSION)

    def forward(self, *arrays: Tensor) -> Tensor:
        hidden_BH = self.dropout(torch.tanh(self.hidden(arrays[0])))
        return nn.functional.normalize(self.out(hidden_BH), dim=1)


def small_model(dtype: torch.dtype = torch.float64, *, dropout: bool = True) -> DualEncoder:
    """A model with the same weights every time."""
    torch.manual_seed(11)
    return DualEncoder(SmallTower(dropout), SmallTower(dropout)).to(dtype)


def small_batch(dtype: torch.dtype = torch.float64, *, n: int = 5, m: int = 9) -> Batch:
    """A batch with every optional part: draws, logQ, weights, grades and a teacher's scores."""
    given = loss_input(n, m, DIMENSION, dtype)
    rest = {f.name: getattr(given, f.name) for f in fields(LossInput) if f.name not in ("query_BD", "item_MD")}
    generator = torch.Generator().manual_seed(12)
    return Batch(
        rows_B=np.arange(n, dtype=np.int64),
        query_rows_B=np.arange(n, dtype=np.int64),
        item_rows_M=np.arange(m, dtype=np.int64),
        targets=_targets(given.positive_BM),
        query_arrays=[torch.randn(n, NUMBERS, generator=generator, dtype=torch.float64).to(dtype)],
        item_arrays=[torch.randn(m, NUMBERS, generator=generator, dtype=torch.float64).to(dtype)],
        **rest,
    )


def _targets(positive_BM: Tensor) -> Ragged:
    row_V, column_V = (values.numpy() for values in positive_BM.nonzero(as_tuple=True))
    return Ragged.group(row_V, column_V, len(positive_BM))


def gradients(*modules: nn.Module) -> dict[str, Tensor]:
    """Gradients of all parameters by name, and none of them missing."""
    found = {}
    for place, module in enumerate(modules):
        for name, parameter in module.named_parameters():
            assert parameter.grad is not None, name
            found[f"{place}.{name}"] = parameter.grad.clone()
    return found


def rows(*values: int) -> IntArray:
    """An int64 array."""
    return np.array(values, dtype=np.int64)
