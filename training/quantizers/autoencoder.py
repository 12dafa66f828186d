"""A residual-quantized autoencoder: encoder, codebooks whose vectors add up, decoder, and how they learn together.

Axes: B embeddings, N rows, D embedding, L levels, K codes a level, d latent.
"""

import math
from typing import Literal, NamedTuple

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from bundle.config import Config
from training.errors import Diverged
from training.quantizers.assignment import Assign
from training.quantizers.gradients import Gradient, pass_gradient
from training.quantizers.latent import Details, LatentDecoder, LatentEncoder, statistics
from training.quantizers.learned_codebooks import CodebookUpdate, LearnedCodebooks, Quantized, kmeans_codebooks
from training.quantizers.limits import check_items, check_key
from training.quantizers.reconstruction import Reconstruction, reconstruction_loss

_WARM_STEPS = 50


class AutoencoderConfig(Config):
    """What the quantizers that learn a latent space have in common."""

    levels: int = Field(default=3, ge=1, le=8, description="Codes of a semantic ID.")
    codebook_size: int = Field(default=256, ge=2, le=4096, description="Codes of each level.")
    latent: int = Field(
        default=256, ge=1, le=2048, description="Dimension in which codes add up; at most the embedding's."
    )
    details: int = Field(
        default=4, ge=0, le=64, description="Further latent dimensions that tell near-duplicates apart; 0 for none."
    )
    detail_variance: float = Field(
        default=0.04, ge=0, le=1, description="Of all of them together, as a share of the embeddings' variance."
    )
    hidden: int = Field(default=256, ge=1, le=8192, description="Hidden units of encoder and decoder.")
    steps: int = Field(default=400, ge=0, description="Training steps; 0 is residual k-means on principal components.")
    batch_size: int = Field(default=1024, ge=2, description="Embeddings a step; at most all of them.")
    learning_rate: float = Field(default=1e-3, gt=0, description="Of Adam at its height; falls to 0 as a cosine.")
    commitment: float = Field(default=0.25, ge=0, description="Weight of the pull of the encoder to the codes.")
    level_loss: Literal["sum", "mean"] = Field(default="sum", description="How the losses of the levels are joined.")
    gradient: Gradient = Field(default="straight_through", description="How the gradient passes the choice of codes.")
    codebook_update: CodebookUpdate = Field(
        default="gradient", description="Code vectors follow a loss, or running means of what chose them."
    )
    ema_decay: float = Field(default=0.99, ge=0, lt=1, description="Of the running means of `codebook_update = ema`.")
    init_rows: int = Field(default=20_000, ge=1, description="Embeddings that k-means sees before the first step.")
    reset_every: int = Field(default=100, ge=0, description="Steps between resets of dead codes; 0 never resets.")
    assign: Assign = Field(default="greedy", description="Choice of codes in training; serving is always greedy.")
    reconstruction: Reconstruction = Field(
        default="mse", description="Square error, contrast with the other embeddings of the batch, or both."
    )
    contrast_weight: float = Field(default=0.1, gt=0, description="Of the contrast beside the square error.")
    contrast_temperature: float = Field(default=0.1, gt=0, description="Of the contrast.")
    prefix_dropout: float = Field(
        default=0.0, ge=0, le=1, description="Share of embeddings decoded from a random shorter prefix of their codes."
    )

    def check(self, n_items: int) -> None:
        """Raise BadData when so few items cannot train so many codes."""
        check_items(n_items, self.codebook_size, n_items)

    @model_validator(mode="after")
    def _fits_a_key(self) -> "AutoencoderConfig":
        check_key([self.codebook_size] * self.levels)
        return self


class View(NamedTuple):
    """A batch in the latent space: what the encoder gave, and its quantized value with the encoder's gradient."""

    latent_Bd: Tensor
    passed_Bd: Tensor
    quantized: Quantized


class Autoencoder(nn.Module):
    """RQ-VAE (Rajput et al., 2023, section 3.1), after Lee et al., 2022."""

    def __init__(self, embedding_ND: Tensor, config: AutoencoderConfig, seed: int, threads: int) -> None:
        """Start as residual k-means on principal components of at most `init_rows` random rows."""
        super().__init__()
        self.config = config
        fitted = statistics(embedding_ND, config.latent)
        self.encoder = LatentEncoder(fitted, config.hidden, Details(config.details, config.detail_variance))
        self.decoder = LatentDecoder(fitted, config.hidden)
        codebooks_LKd = self.kmeans(embedding_ND, seed, threads)
        self.codebooks = LearnedCodebooks(codebooks_LKd, min(config.batch_size, len(embedding_ND)))

    @torch.no_grad()
    def kmeans(self, embedding_ND: Tensor, seed: int, threads: int) -> Tensor:
        """Codebooks [L, K, d] by k-means on what the encoder now gives for at most `init_rows` random rows."""
        most = max(self.config.init_rows, self.config.codebook_size)
        row_S = torch.randperm(len(embedding_ND), generator=torch.Generator().manual_seed(seed))[:most]
        latent_Sd = self.encoder(embedding_ND[row_S]).numpy()
        return kmeans_codebooks(latent_Sd, self.config.levels, self.config.codebook_size, seed, threads)

    def view(self, embedding_BD: Tensor, assign: Assign = "greedy", done: float = 1.0) -> View:
        """Encode and quantize; `done` is the share of the training behind."""
        latent_Bd = self.encoder(embedding_BD)
        quantized = self.codebooks(latent_Bd, assign, done)
        passed_Bd = pass_gradient(latent_Bd, quantized.chosen_BLd.sum(1), self.config.gradient)
        return View(latent_Bd, passed_Bd, quantized)

    def loss(self, embedding_BD: Tensor, done: float, generator: torch.Generator) -> tuple[Tensor, Quantized]:
        """Reconstruction, codebook and commitment loss of a batch, all of them means over rows and dimensions."""
        config = self.config
        latent_Bd, passed_Bd, quantized = self.view(embedding_BD, config.assign, done)
        if config.prefix_dropout:
            kept_BL = self._kept_levels(len(embedding_BD), generator)
            prefix_Bd = (quantized.chosen_BLd * kept_BL[:, :, None]).sum(1)
            passed_Bd = pass_gradient(latent_Bd, prefix_Bd, config.gradient)
        loss = reconstruction_loss(
            self.decoder.standardised(passed_Bd),
            self.encoder.standardised(embedding_BD),
            config.reconstruction,
            config.contrast_weight,
            config.contrast_temperature,
        )
        return loss + self._code_loss(quantized), quantized

    def _code_loss(self, quantized: Quantized) -> Tensor:
        levels = self.config.levels if self.config.level_loss == "sum" else 1
        loss = self.config.commitment * mse_loss(quantized.residual_BLd, quantized.chosen_BLd.detach())
        if self.config.codebook_update == "gradient":
            loss = loss + mse_loss(quantized.chosen_BLd, quantized.residual_BLd.detach())
        return loss * levels

    def _kept_levels(self, rows: int, generator: torch.Generator) -> Tensor:
        """bool [B, L]; a row that is dropped keeps its first 1 to L - 1 levels (PLUM's progressive masking)."""
        levels = self.config.levels
        length_B = torch.randint(1, max(levels, 2), (rows,), generator=generator)
        dropped_B = torch.rand(rows, generator=generator) < self.config.prefix_dropout
        return torch.arange(levels) < torch.where(dropped_B, length_B, levels)[:, None]


class AutoencoderLearner:
    """The batches of one autoencoder, in an order that depends on its seed alone, and what follows each step."""

    def __init__(self, embedding_ND: Tensor, config: AutoencoderConfig, seed: int, threads: int) -> None:
        self.embedding_ND, self.config = embedding_ND, config
        self.model = Autoencoder(embedding_ND, config, seed, threads)
        self._seed, self._threads = seed, threads
        self._generator = torch.Generator().manual_seed(seed)
        self._order_N = torch.empty(0, dtype=torch.int64)

    def loss(self, step: int) -> tuple[Tensor, Quantized]:
        """Of the next batch."""
        size = min(self.config.batch_size, len(self.embedding_ND))
        if len(self._order_N) < size:
            self._order_N = torch.randperm(len(self.embedding_ND), generator=self._generator)
        row_B, self._order_N = self._order_N[:size], self._order_N[size:]
        return self.model.loss(self.embedding_ND[row_B], step / self.config.steps, self._generator)

    @torch.no_grad()
    def start_codebooks_anew(self) -> None:
        """K-means again, for an encoder that has moved far from where the codebooks began."""
        self.model.codebooks.restart(self.model.kmeans(self.embedding_ND, self._seed, self._threads))

    def after(self, step: int, quantized: Quantized) -> None:
        """Count use, move running means, and bring dead codes back when it is time."""
        self.model.codebooks.count(quantized)
        if self.config.codebook_update == "ema":
            self.model.codebooks.average(quantized, self.config.ema_decay)
        # A code that comes back with the last step has not learnt, and would only take rows from those that have.
        if self.config.reset_every and (step + 1) % self.config.reset_every == 0 and step + 1 < self.config.steps:
            self.model.codebooks.revive(quantized, self._generator)


def learning_rate_factor(step: int, steps: int) -> float:
    """Linear over the first 50 steps, or a tenth of all if fewer; then a cosine to 0."""
    warm = max(1, min(_WARM_STEPS, steps // 10))
    return min(1.0, (step + 1) / warm) * 0.5 * (1 + math.cos(math.pi * step / steps))


def check_finite(loss: Tensor, step: int) -> None:
    """Raise Diverged unless the loss is a finite number."""
    if not bool(loss.isfinite()):
        raise Diverged(
            f"the quantizer's loss is {float(loss)} at step {step}; lower quantizer.learning_rate, or check the "
            "embeddings for extreme numbers",
            step=step,
        )
