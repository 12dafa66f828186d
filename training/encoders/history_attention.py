"""History encoder: a causal transformer over the last items, read at the most recent one.

Axes: B queries, H history positions (0 the most recent), A heads, D embedding.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from training.encoders.history import HistorySettings


class HistoryAttentionConfig(HistorySettings):
    """Self-attention over the history (SASRec, Kang and McAuley, ICDM 2018)."""

    kind: Literal["attention"] = "attention"
    layers: int = Field(default=2, ge=1, description="Transformer blocks.")
    heads: int = Field(default=2, ge=1, description="Attention heads; they must divide the dimension.")
    dropout: float = Field(default=0.2, ge=0, lt=1, description="Share of activations dropped in training.")

    def build(self, table: nn.Embedding, length: int) -> nn.Module:
        """The encoder over a table of item embeddings, for histories of at most `length` items."""
        return HistoryAttention(table, length, self)


class HistoryAttention(nn.Module):
    """State of the most recent item after attending to itself and everything older; zeros for an empty history."""

    earlier_HH: Tensor

    def __init__(self, table: nn.Embedding, length: int, config: HistoryAttentionConfig) -> None:
        super().__init__()
        self.table = table
        dimension = table.embedding_dim
        self.position_HD = nn.Parameter(torch.randn(length, dimension) * 0.02)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(dimension, config.heads, config.dropout) for _ in range(config.layers))
        self.norm = nn.LayerNorm(dimension)
        self.register_buffer("earlier_HH", torch.ones(length, length, dtype=torch.bool).triu(), persistent=False)

    def forward(self, item_BH: Tensor) -> Tensor:
        """int64 [B, H] vocabulary rows, 0 pads -> float32 [B, D]."""
        filled_BH = item_BH > 0
        state_BHD = self.dropout(self.table(item_BH) + self.position_HD)
        itself_HH = torch.eye(len(self.earlier_HH), dtype=torch.bool, device=item_BH.device)
        # A padded position sees itself, so that no softmax runs over nothing.
        sees_BHH = (self.earlier_HH & filled_BH[:, None, :]) | itself_HH
        for block in self.blocks:
            state_BHD = block(state_BHD, sees_BHH)
        last_BD: Tensor = self.norm(state_BHD[:, 0])
        return last_BD * filled_BH[:, :1].float()


class Block(nn.Module):
    """Pre-norm transformer block, attention written out so that it exports to plain ONNX operators."""

    def __init__(self, dimension: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.LayerNorm(dimension)
        self.norm_forward = nn.LayerNorm(dimension)
        self.query_key_value = nn.Linear(dimension, 3 * dimension)
        self.mix = nn.Linear(dimension, dimension)
        self.forward_in = nn.Linear(dimension, dimension)
        self.forward_out = nn.Linear(dimension, dimension)
        self.dropout = nn.Dropout(dropout)

    def forward(self, state_BHD: Tensor, sees_BHH: Tensor) -> Tensor:
        """float32 [B, H, D] and bool [B, H, H] (row sees column) -> float32 [B, H, D]."""
        state_BHD = state_BHD + self.dropout(self._attend(self.norm_attention(state_BHD), sees_BHH))
        inner_BHD = torch.relu(self.forward_in(self.norm_forward(state_BHD)))
        out_BHD: Tensor = state_BHD + self.dropout(self.forward_out(self.dropout(inner_BHD)))
        return out_BHD

    def _attend(self, state_BHD: Tensor, sees_BHH: Tensor) -> Tensor:
        length, dimension = state_BHD.shape[1:]
        width = dimension // self.heads
        joint = self.query_key_value(state_BHD).reshape(-1, length, 3, self.heads, width)
        query_BAHW, key_BAHW, value_BAHW = joint.permute(2, 0, 3, 1, 4).unbind(0)
        score_BAHH = query_BAHW @ key_BAHW.transpose(-1, -2) * width**-0.5
        share_BAHH = score_BAHH.masked_fill(~sees_BHH[:, None], -torch.inf).softmax(-1)
        mixed_BHD = (self.dropout(share_BAHH) @ value_BAHW).transpose(1, 2).reshape(-1, length, dimension)
        out_BHD: Tensor = self.mix(mixed_BHD)
        return out_BHD
