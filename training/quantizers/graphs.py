"""Encode and decode of additive codebooks as graphs: static levels, static beam, no control flow.

Axes: B embeddings, D embedding, L levels, K codes a level, S partial codes kept (the beam).
"""

import torch
from torch import Tensor, nn


class BeamEncoder(nn.Module):
    """Beam search for the codes whose sum is nearest to the embedding; a beam of 1 is greedy."""

    codebooks_LKD: Tensor
    square_LK: Tensor

    def __init__(self, codebooks_LKD: Tensor, beam: int) -> None:
        super().__init__()
        self.register_buffer("codebooks_LKD", codebooks_LKD)
        self.register_buffer("square_LK", codebooks_LKD.square().sum(-1))
        self.beam = beam

    def forward(self, embedding_BD: Tensor) -> Tensor:
        """float32 [B, D] -> int64 [B, L]."""
        levels, size, dimension = self.codebooks_LKD.shape
        residual_BSD = embedding_BD[:, None, :]
        distance_BS = torch.zeros_like(embedding_BD[:, :1])  # up to |x|^2, the same for all candidates
        chosen_BSL = torch.zeros_like(embedding_BD[:, :1, None], dtype=torch.int64)[:, :, :0]
        width = 1
        for level in range(levels):
            codebook_KD = self.codebooks_LKD[level]
            kept = min(self.beam if level + 1 < levels else 1, width * size)
            # |r - c|^2 = |r|^2 + |c|^2 - 2 r.c, and |r|^2 is the distance so far
            score_BSK = self.square_LK[level] - 2 * (residual_BSD @ codebook_KD.T) + distance_BS[:, :, None]
            distance_BS, flat_BS = score_BSK.reshape(-1, width * size).topk(kept, dim=1, largest=False)
            parent_BS, code_BS = flat_BS // size, flat_BS % size
            parent_BSD = parent_BS[:, :, None].expand(-1, -1, dimension)
            residual_BSD = residual_BSD.gather(1, parent_BSD) - codebook_KD[code_BS]
            earlier_BSL = chosen_BSL.gather(1, parent_BS[:, :, None].expand(-1, -1, level))
            chosen_BSL = torch.cat([earlier_BSL, code_BS[:, :, None]], dim=2)
            width = kept
        return chosen_BSL[:, 0]


class SumDecoder(nn.Module):
    """Sum of the chosen code vectors; the caller checks the range, because a graph wraps negative codes around."""

    rows_RD: Tensor
    first_L: Tensor

    def __init__(self, codebooks_LKD: Tensor) -> None:
        super().__init__()
        levels, size, dimension = codebooks_LKD.shape
        self.register_buffer("rows_RD", codebooks_LKD.reshape(levels * size, dimension))
        self.register_buffer("first_L", torch.arange(levels) * size)

    def forward(self, code_BL: Tensor) -> Tensor:
        """int64 [B, L] -> float32 [B, D]."""
        return self.rows_RD[code_BL + self.first_L].sum(1)
