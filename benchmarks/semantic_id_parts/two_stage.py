"""Align, then quantize: the two-stage design that DAS is compared with (as QARM and OneRec have it).

Axes: N items, U users, B pairs of a batch, D embedding, d latent.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from training.device import repeatable
from training.errors import BadData
from training.quantizers.alignment import Views, alignment_loss, equal
from training.quantizers.autoencoder import learning_rate_factor
from training.quantizers.contract import Quantizer, QuantizerData
from training.quantizers.das import DasConfig
from training.quantizers.debias import SideFactors, debias_loss
from training.quantizers.latent import Details, LatentDecoder, LatentEncoder, statistics
from training.quantizers.pair_batches import PairBatch, PairBatches, user_vectors
from training.quantizers.rq_vae import RqVaeConfig


class TwoStage(NamedTuple):
    """`alignment` gives the losses of the first stage, `quantizer` is the second."""

    quantizer: RqVaeConfig
    alignment: DasConfig

    def check(self, n_items: int) -> None:
        """As the quantizer's own."""
        self.quantizer.check(n_items)

    def fit(self, data: QuantizerData, seed: int, threads: int) -> Quantizer:
        """Fit both stages; the encoder goes from content to codes, the decoder back to the aligned vectors only."""
        if data.behaviour is None:
            raise BadData("the first stage learns from behaviour, and there is none")
        pairs = PairBatches(data.behaviour, len(data.embedding_ND), seed)
        with repeatable(seed, threads, torch.device("cpu")):
            user_UD = torch.from_numpy(user_vectors(data.embedding_ND, pairs, self.alignment.user_history))
            stage = _Alignment(torch.from_numpy(data.embedding_ND), user_UD, pairs, self.alignment)
            stage.learn()
            with torch.no_grad():
                aligned_Nd = stage.item.encoder(stage.item.row_RD).numpy()
        second = self.quantizer.fit(QuantizerData(aligned_Nd), seed, threads)
        encode = nn.Sequential(stage.item.encoder.requires_grad_(False), second.encode)
        return Quantizer(second.codebooks, encode, second.decode)


class _Side(nn.Module):
    def __init__(self, row_RD: Tensor, config: DasConfig) -> None:
        super().__init__()
        fitted = statistics(row_RD, config.latent)
        self.row_RD, self.batch = row_RD, config.batch_size
        self.encoder = LatentEncoder(fitted, config.hidden, Details(0, 0.0))
        self.decoder = LatentDecoder(fitted, config.hidden)

    def loss(self) -> Tensor:
        row_BD = self.row_RD[torch.randint(0, len(self.row_RD), (min(self.batch, len(self.row_RD)),))]
        return mse_loss(self.decoder.standardised(self.encoder(row_BD)), self.encoder.standardised(row_BD))


class _Alignment:
    def __init__(self, item_ND: Tensor, user_UD: Tensor, pairs: PairBatches, config: DasConfig) -> None:
        self.config, self.pairs = config, pairs
        self.item, self.user = _Side(item_ND, config), _Side(user_UD, config)
        width = len(self.item.encoder.linear)
        self.user_factors = SideFactors(pairs.user_count_U, width)
        self.item_factors = SideFactors(pairs.item_count_N, width)
        share_N = torch.from_numpy(pairs.item_count_N).float().clamp_min(1) / len(pairs.item_P)
        self._log_draw_N = share_N.log()

    def learn(self) -> None:
        parts = nn.ModuleList([self.item, self.user, self.user_factors, self.item_factors])
        optimizer = torch.optim.Adam(parts.parameters(), lr=self.config.learning_rate)
        for step in range(self.config.steps):
            for group in optimizer.param_groups:
                group["lr"] = self.config.learning_rate * learning_rate_factor(step, self.config.steps)
            loss = self.item.loss() + self.user.loss() + self._pair_loss(self.pairs.next(self.config.pair_batch_size))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    def _pair_loss(self, pairs: PairBatch) -> Tensor:
        config = self.config
        user, item = self.user_factors(pairs.user_B), self.item_factors(pairs.item_B)
        same_BB = equal(pairs.user_B, pairs.user_B) | equal(pairs.item_B, pairs.item_B)
        loss = debias_loss(user, item, same_BB, self._log_draw_N[pairs.item_B], config.temperature)
        views = Views(
            self.user.encoder(self.user.row_RD[pairs.user_B]),
            self.item.encoder(self.item.row_RD[pairs.item_B]),
            self.user.encoder(self.user.row_RD[pairs.other_user_B]),
            self.item.encoder(self.item.row_RD[pairs.other_item_B]),
            user.own_Bd,
            item.own_Bd,
        )
        return config.behaviour_weight * loss + config.alignment_weight * alignment_loss(
            views, pairs, config.temperature
        )
