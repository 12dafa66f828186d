"""The direct way: encode all records at once and keep what the backward pass needs.

Axes: N records, D embedding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True)
class DirectEncode:
    """Memory grows with the number of records."""

    precision: Precision = "fp32"

    def __call__(self, tower: nn.Module, arrays: Sequence[Tensor]) -> "DirectlyEncoded":
        """Embed all records in one call of the tower."""
        return DirectlyEncoded(call_tower(tower, arrays, self.precision))


@dataclass(frozen=True)
class DirectlyEncoded:
    """Embeddings whose graph is still there."""

    graph_ND: Tensor

    @property
    def embedding_ND(self) -> Tensor:
        """The embeddings, sharing memory with those of the graph."""
        return self.graph_ND.detach()

    def backward(self, gradient_ND: Tensor) -> None:
        """Run the graph backwards."""
        push(self.graph_ND, gradient_ND)


def call_tower(tower: nn.Module, arrays: Sequence[Tensor], precision: Precision) -> Tensor:
    """Embeddings in float32 at least; only the tower itself computes in bfloat16 when that is asked."""
    with torch.autocast(arrays[0].device.type, torch.bfloat16, enabled=precision == "bf16"):
        embedding_ND: Tensor = tower(*arrays)
    return embedding_ND if embedding_ND.dtype == torch.float64 else embedding_ND.float()


def push(graph_ND: Tensor, gradient_ND: Tensor) -> None:
    """Backward from embeddings, unless nothing in their tower is trained."""
    if graph_ND.requires_grad:
        torch.autograd.backward(graph_ND, gradient_ND)
