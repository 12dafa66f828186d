"""RQ-VAE: a residual quantizer in a latent space that is learned with it.

Axes: B embeddings, D embedding, L levels, K codes a level, d latent.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from training.device import repeatable
from training.quantizers.autoencoder import (
    Autoencoder,
    AutoencoderConfig,
    AutoencoderLearner,
    check_finite,
    learning_rate_factor,
)
from training.quantizers.contract import Quantizer, QuantizerData
from training.quantizers.graphs import SumDecoder
from training.quantizers.latent import LatentDecoder, LatentEncoder


class RqVaeConfig(AutoencoderConfig):
    """RQ-VAE (Rajput et al., 2023): fewer items share an ID than with `residual`, at more training time."""

    kind: Literal["rq_vae"] = "rq_vae"

    def fit(self, data: QuantizerData, seed: int, threads: int) -> Quantizer:
        """Learn network and codebooks; raises BadData for too few or broken embeddings, Diverged for a broken loss."""
        self.check(len(data.embedding_ND))
        with repeatable(seed, threads, torch.device("cpu")):
            learner = AutoencoderLearner(torch.from_numpy(data.embedding_ND), self, seed, threads)
            optimizer = torch.optim.Adam(learner.model.parameters(), lr=self.learning_rate)
            for step in range(self.steps):
                for group in optimizer.param_groups:
                    group["lr"] = self.learning_rate * learning_rate_factor(step, self.steps)
                loss, quantized = learner.loss(step)
                check_finite(loss, step)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                learner.after(step, quantized)
        return exported(learner.model)


class GreedyEncoder(nn.Module):
    """Encoder, then the nearest code of every level; the first of equally near ones."""

    codebooks_LKd: Tensor
    square_LK: Tensor

    def __init__(self, encoder: LatentEncoder, codebooks_LKd: Tensor) -> None:
        super().__init__()
        self.encoder = encoder
        self.register_buffer("codebooks_LKd", codebooks_LKd)
        self.register_buffer("square_LK", codebooks_LKd.square().sum(-1))

    def forward(self, embedding_BD: Tensor) -> Tensor:
        """float32 [B, D] -> int64 [B, L]."""
        residual_Bd = self.encoder(embedding_BD)
        codes = []
        for codebook_Kd, square_K in zip(self.codebooks_LKd, self.square_LK, strict=True):
            code_B = (square_K - 2 * residual_Bd @ codebook_Kd.T).argmin(1)
            residual_Bd = residual_Bd - codebook_Kd[code_B]
            codes.append(code_B)
        return torch.stack(codes, 1)


class LatentSumDecoder(nn.Module):
    """Sum of the chosen code vectors, then the decoder; the caller checks the range of the codes."""

    def __init__(self, codebooks_LKd: Tensor, decoder: LatentDecoder) -> None:
        super().__init__()
        self.sum = SumDecoder(codebooks_LKd)
        self.decoder = decoder

    def forward(self, code_BL: Tensor) -> Tensor:
        """int64 [B, L] -> float32 [B, D]."""
        decoded_BD: Tensor = self.decoder(self.sum(code_BL))
        return decoded_BD


def exported(model: Autoencoder) -> Quantizer:
    """The graphs and codebooks of a trained autoencoder, frozen."""
    model.requires_grad_(False).eval()
    codebooks_LKd = model.codebooks.vector_LKd.detach().clone()
    encode, decode = GreedyEncoder(model.encoder, codebooks_LKd), LatentSumDecoder(codebooks_LKd, model.decoder)
    return Quantizer(tuple(codebooks_LKd.numpy()), encode, decode)
