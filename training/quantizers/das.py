"""DAS: semantic IDs of users and items learned together with debiased behaviour, in one stage (arXiv 2508.10584).

Axes: N items, U users, B pairs of a batch, D embedding, d latent.
"""

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from training.device import repeatable
from training.errors import BadData
from training.quantizers.alignment import Views, alignment_loss, equal
from training.quantizers.autoencoder import (
    AutoencoderConfig,
    AutoencoderLearner,
    check_finite,
    learning_rate_factor,
)
from training.quantizers.contract import Quantizer, QuantizerData
from training.quantizers.debias import SideFactors, debias_loss
from training.quantizers.pair_batches import PairBatch, PairBatches, user_vectors
from training.quantizers.rq_vae import exported
from training.ragged import FloatArray, IntArray


class DasConfig(AutoencoderConfig):
    """DAS: as `rq_vae`, with codes drawn to what people take together; needs interactions."""

    kind: Literal["das"] = "das"
    behaviour_weight: float = Field(default=1.0, ge=0, description="Of the loss of the debiased behaviour.")
    alignment_weight: float = Field(
        default=0.1,
        ge=0,
        description="Of the six alignment terms; 0 gives the codes of rq_vae. The paper's 0.5 lets behaviour outvote "
        "content in catalogues of a few thousand items.",
    )
    details: int = Field(
        default=0,
        ge=0,
        le=64,
        description="As for `rq_vae`; none, because beside latents that behaviour shapes they would decide the codes.",
    )
    restart_at: float = Field(
        default=0.9,
        ge=0,
        le=1,
        description="Share of the steps after which k-means starts the codebooks anew. Before, the alignment acts on "
        "what the encoder gives, because codes found on content alone would hold it there; 0 aligns codes at once.",
    )
    temperature: float = Field(default=0.1, gt=0, description="Of the alignment terms.")
    align_detach_cf: bool = Field(
        default=False, description="Keep the alignment from moving the debiased behaviour; for little data."
    )
    pair_batch_size: int = Field(default=1024, ge=2, description="Pairs of a user and an item a step.")
    user_history: int = Field(default=20, ge=1, description="Last items whose mean embedding stands for a user.")

    def fit(self, data: QuantizerData, seed: int, threads: int) -> "AlignedQuantizer":
        """Learn both sides.

        Raises BadData without behaviour or with too few items or users, and Diverged for a broken loss.
        """
        self.check(len(data.embedding_ND))
        if data.behaviour is None or not len(data.behaviour.item_P):
            raise BadData(
                "the quantizer 'das' learns from what people take, and there are no training interactions; give "
                "interactions, or set quantizer.kind to 'rq_vae'"
            )
        pairs = PairBatches(data.behaviour, len(data.embedding_ND), seed)
        if len(pairs.query_U) < self.codebook_size:
            raise BadData(
                f"{len(pairs.query_U)} users cannot train {self.codebook_size} codes a level; set "
                f"quantizer.codebook_size to at most {len(pairs.query_U)}, or quantizer.kind to 'rq_vae'",
                users=len(pairs.query_U),
            )
        with repeatable(seed, threads, torch.device("cpu")):
            user_UD = user_vectors(data.embedding_ND, pairs, self.user_history)
            alignment = DualAlignment(data.embedding_ND, user_UD, pairs, self, seed, threads)
            alignment.learn()
        item, user = exported(alignment.item.model), exported(alignment.user.model)
        parts = {field.name: getattr(item, field.name) for field in fields(Quantizer)}
        return AlignedQuantizer(**parts, encode_user=user.encode, user_UD=user_UD, query_U=pairs.query_U)


@dataclass(frozen=True)
class AlignedQuantizer(Quantizer):
    """The item side as a quantizer, with the encoder of users beside it.

    `encode_user` maps user vectors [B, D], as `user_UD` has them for the query rows `query_U`, to int64 [B, L].
    """

    encode_user: nn.Module
    user_UD: FloatArray
    query_U: IntArray


class DualAlignment:
    """The two autoencoders, the debiased factors, and one optimizer over all of them."""

    def __init__(
        self,
        item_ND: FloatArray,
        user_UD: FloatArray,
        pairs: PairBatches,
        config: DasConfig,
        seed: int,
        threads: int,
    ) -> None:
        self.config, self.pairs = config, pairs
        # The item side comes first: up to here its random numbers are those of the plain RQ-VAE.
        self.item = AutoencoderLearner(torch.from_numpy(item_ND), config, seed, threads)
        self.user = AutoencoderLearner(torch.from_numpy(user_UD), config, seed + 1, threads)
        width = len(self.item.model.encoder.linear)
        self.user_factors = SideFactors(pairs.user_count_U, width)
        self.item_factors = SideFactors(pairs.item_count_N, width)
        draw_N = np.maximum(pairs.item_count_N, 1) / len(pairs.item_P)
        self._log_draw_N = torch.from_numpy(np.log(draw_N).astype(np.float32))

    def learn(self) -> None:
        """All steps; raises Diverged when the loss is not finite."""
        parts = nn.ModuleList([self.item.model, self.user.model, self.user_factors, self.item_factors])
        optimizer = torch.optim.Adam(parts.parameters(), lr=self.config.learning_rate)
        for step in range(self.config.steps):
            for group in optimizer.param_groups:
                group["lr"] = self.config.learning_rate * learning_rate_factor(step, self.config.steps)
            if step == self._restart_step() and step > 0:
                self.item.start_codebooks_anew()
                self.user.start_codebooks_anew()
            item_loss, item_quantized = self.item.loss(step)
            user_loss, user_quantized = self.user.loss(step)
            loss = (
                item_loss
                + user_loss
                + self.pair_loss(self.pairs.next(self.config.pair_batch_size), quantized=step >= self._restart_step())
            )
            check_finite(loss, step)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            self.item.after(step, item_quantized)
            self.user.after(step, user_quantized)

    def _restart_step(self) -> int:
        # Without alignment nothing leads the encoder away, and the codes are to be those of the plain RQ-VAE.
        return int(self.config.restart_at * self.config.steps) if self.config.alignment_weight else 0

    def pair_loss(self, pairs: PairBatch, quantized: bool) -> Tensor:
        """Of a batch of pairs: debiased behaviour, and the alignment of both sides with it."""
        config = self.config
        user, item = self.user_factors(pairs.user_B), self.item_factors(pairs.item_B)
        same_BB = equal(pairs.user_B, pairs.user_B) | equal(pairs.item_B, pairs.item_B)
        draw_B = self._log_draw_N[pairs.item_B]
        loss = config.behaviour_weight * debias_loss(user, item, same_BB, draw_B, config.temperature)
        if not config.alignment_weight:
            return loss
        interest_Bd, property_Bd = user.own_Bd, item.own_Bd
        if config.align_detach_cf:
            interest_Bd, property_Bd = interest_Bd.detach(), property_Bd.detach()
        user_2Bd = _view(self.user, quantized, torch.cat([pairs.user_B, pairs.other_user_B]))
        item_2Bd = _view(self.item, quantized, torch.cat([pairs.item_B, pairs.other_item_B]))
        (user_Bd, other_user_Bd), (item_Bd, other_item_Bd) = user_2Bd.chunk(2), item_2Bd.chunk(2)
        views = Views(user_Bd, item_Bd, other_user_Bd, other_item_Bd, interest_Bd, property_Bd)
        return loss + config.alignment_weight * alignment_loss(views, pairs, config.temperature)


def _view(side: AutoencoderLearner, quantized: bool, row_B: Tensor) -> Tensor:
    content = len(side.model.encoder.linear)  # the details beyond it say nothing of what people take
    if not quantized:
        latent_Bd: Tensor = side.model.encoder(side.embedding_ND[row_B])
        return latent_Bd[:, :content]
    return side.model.view(side.embedding_ND[row_B]).passed_Bd[:, :content]
