"""Encoder of the item's id over a semantic item graph: its own row and those of its neighbours.

Axes: B records, V rows of the table, K neighbours, G graphs, D embedding.
"""

import numpy as np
import torch
from torch import Tensor, nn

from training.item_graph import ItemGraph
from training.item_graph.agreement import agreement, anchored, perturb


class ItemGraphEncoder(nn.Module):
    """Row of the item plus the mean over the graphs of the weighted sum of its neighbours' rows.

    An item that training never met has a zero row and so is what its content neighbours are. The neighbours are
    constants of the exported graph; an id outside the catalogue has none.
    """

    near_GVK: Tensor
    weight_GVK: Tensor

    def __init__(self, table: nn.Embedding, graph: ItemGraph, first: int) -> None:
        """`first`: row of the table [V, D] that is item 0; those before it stand for no item."""
        super().__init__()
        self.table = table
        self.config = graph.config
        self._first = first
        pad = ((0, 0), (first, 0), (0, 0))
        near_GNK = np.where(graph.near_GNK < 0, 0, graph.near_GNK + first)  # row 0 is zero and stays so
        self.register_buffer("near_GVK", torch.from_numpy(np.pad(near_GNK, pad)))
        self.register_buffer("weight_GVK", torch.from_numpy(np.pad(graph.weight_GNK, pad)))

    def forward(self, value_B: Tensor) -> Tensor:
        """int64 [B] vocabulary rows, 0 missing -> float32 [B, D]."""
        encoded_BD: Tensor = self.table(value_B) + self._views(value_B).mean(0)
        return encoded_BD

    def own_loss(self) -> dict[str, Tensor]:
        """Weighted terms over items drawn from torch's global generator; they add to the objective's loss."""
        config, device = self.config, self.table.weight.device
        drawn_B = torch.randperm(self.table.num_embeddings - self._first)[: config.items_a_step].to(device)
        row_BD, view_GBD = self.table(drawn_B + self._first), self._views(drawn_B + self._first)
        whole_BD = row_BD + view_GBD.mean(0)
        noisy = [perturb(whole_BD, config.noise, torch.rand_like(whole_BD)) for _ in range(2)]
        return {
            "graph_noise": config.noise_weight * agreement(noisy[0], noisy[1], config.temperature),
            "graph_anchor": config.anchor_weight * anchored(row_BD, view_GBD, config.temperature),
            "graph_fusion": config.fusion_weight * agreement(row_BD, view_GBD.mean(0), config.temperature),
        }

    def _views(self, value_B: Tensor) -> Tensor:
        """What each graph says of the items: float32 [G, B, D]."""
        weight_GB1K = self.weight_GVK[:, value_B][:, :, None, :]
        views_GBD: Tensor = (weight_GB1K @ self.table(self.near_GVK[:, value_B]))[:, :, 0]
        return views_GBD
