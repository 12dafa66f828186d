"""Text encoder: the idf-weighted bag of hashed words and character n-grams.

Axes: B records, T n-grams of the longest text, V buckets + 1, D embedding.
"""

import torch
from torch import Tensor, nn


class TextEncoder(nn.Module):
    """Sum of idf-weighted n-gram embeddings over the root of the summed squared weights; zeros for no text.

    Repeats count. A gather and a masked sum: an `EmbeddingBag` would become a loop over records in ONNX.
    """

    idf_V: Tensor

    def __init__(self, idf_V: Tensor, dimension: int) -> None:
        super().__init__()
        self.table = nn.Embedding(len(idf_V), dimension, padding_idx=0)
        nn.init.normal_(self.table.weight, std=dimension**-0.5)
        with torch.no_grad():
            self.table.weight[0].zero_()
        self.register_buffer("idf_V", idf_V.float().index_fill(0, torch.zeros(1, dtype=torch.int64), 0.0))

    def forward(self, gram_BT: Tensor) -> Tensor:
        """int64 [B, T] bucket ids, 0 pads -> float32 [B, D]."""
        weight_BT = self.idf_V[gram_BT]
        weight_BT = weight_BT / weight_BT.square().sum(1, keepdim=True).clamp_min(1e-6).sqrt()
        encoded_B1D: Tensor = weight_BT[:, None, :] @ self.table(gram_BT)
        return encoded_B1D[:, 0]
