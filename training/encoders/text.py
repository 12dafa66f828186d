"""Text encoder: the idf-weighted bag of hashed words and character n-grams.

Axes: B records, T n-grams of the longest text, V buckets + 1, D embedding.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag


class TextEncoder(nn.Module):
    """Sum of idf-weighted n-gram embeddings over the root of the summed squared weights; zeros for no text.

    Repeats count. The exported graph is a gather and a masked sum, because an `EmbeddingBag` would become a loop over
    records in ONNX. Training reads the same numbers through `embedding_bag`, which never holds an embedding for each
    n-gram of the batch: five to nine times less CPU time.
    """

    idf_V: Tensor

    def __init__(self, idf_V: Tensor, dimension: int, table: nn.Embedding | None = None) -> None:
        """`table` [V, D] is read instead of a fresh one, so that encoders can share it."""
        super().__init__()
        self.table = new_text_table(len(idf_V), dimension) if table is None else table
        self.register_buffer("idf_V", idf_V.float().index_fill(0, torch.zeros(1, dtype=torch.int64), 0.0))

    def forward(self, gram_BT: Tensor) -> Tensor:
        """int64 [B, T] bucket ids, 0 pads -> float32 [B, D]."""
        weight_BT = self.idf_V[gram_BT]
        weight_BT = weight_BT / weight_BT.square().sum(1, keepdim=True).clamp_min(1e-6).sqrt()
        if self.training:
            return self._sum(gram_BT, weight_BT)
        encoded_B1D: Tensor = weight_BT[:, None, :] @ self.table(gram_BT)
        return encoded_B1D[:, 0]

    def _sum(self, gram_BT: Tensor, weight_BT: Tensor) -> Tensor:
        filled_BT = gram_BT != 0
        length_B = filled_BT.sum(1)
        return embedding_bag(
            gram_BT[filled_BT],
            self.table.weight,
            length_B.cumsum(0) - length_B,
            mode="sum",
            per_sample_weights=weight_BT[filled_BT],
        )


def new_text_table(n_rows: int, dimension: int) -> nn.Embedding:
    """A fresh table [V, D] whose padding row is zero."""
    table = nn.Embedding(n_rows, dimension, padding_idx=0)
    nn.init.normal_(table.weight, std=dimension**-0.5)
    with torch.no_grad():
        table.weight[0].zero_()
    return table
