"""Preferences as an auxiliary objective of a reranker: what answers a query better should score higher.

After Kim et al., "Prefer to Classify" (P2C, ICML 2023): preferences between examples, learned beside the labels, say
more than labels alone. There the examples share a class, here two items share a query. N preferences, B of a step.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import softplus

from bundle.config import Config
from training.epoch_hook import HookContext
from training.errors import BadData
from training.preferences import Preferences
from training.ragged import FloatArray
from training.rankers.contract import Ranker
from training.rankers.losses import at_least_float32


class PreferencesConfig(Config):
    """How the preferences table teaches the reranker, beside its objective."""

    weight: float = Field(default=0.5, gt=0, description="What the preferences count beside the objective.")
    batch_size: int = Field(default=16, ge=1, description="Preferences a step; drawn anew in every step.")

    def build(self, context: HookContext) -> "PreferenceLoss":
        """Over the preferences that nothing held out depends on; raises BadData when none is left."""
        given = context.dataset.preferences
        if given is None:
            raise BadData("rerankers.cross_encoder.preferences needs a preferences table; name it as data.preferences")
        n_items = len(context.dataset.items)
        held_N = np.isin(given.query_N * n_items + given.better_N, context.held_out_P)
        held_N |= np.isin(given.query_N * n_items + given.worse_N, context.held_out_P)
        kept = given.select(~held_N & (given.weight_N > 0))
        if len(kept) == 0:
            raise BadData(
                f"none of the {len(given)} preferences can be learned from: {held_N.sum()} speak of pairs that "
                "validation or test hold, the others have weight 0; give preferences of other pairs"
            )
        return PreferenceLoss(self, kept, int(held_N.sum()))


def check_preferences(table: Path | None, reader: PreferencesConfig | None) -> None:
    """ValueError for a preferences table that nobody reads, and for a reader without one."""
    if table is not None and reader is None:
        raise ValueError(
            "data.preferences is given, but nothing reads it; add a section [rerankers.cross_encoder.preferences], or "
            "remove it"
        )
    if table is None and reader is not None:
        raise ValueError(
            "rerankers.cross_encoder.preferences needs a table; name it as data.preferences, or remove the section"
        )


@dataclass(frozen=True)
class PreferenceLoss:
    """A loss of a ranker over some of the preferences. `held_out`: how many were dropped for validation and test."""

    config: PreferencesConfig
    preferences: Preferences
    held_out: int

    def __call__(self, ranker: Ranker, rng: np.random.Generator) -> Tensor:
        """The weighted mean of log(1 + exp(s_worse - s_better)) over preferences drawn now, times their weight."""
        given = self.preferences
        row_B = rng.choice(len(given), min(self.config.batch_size, len(given)), replace=False)
        score_B2 = ranker.score(given.query_N[row_B], np.stack([given.better_N[row_B], given.worse_N[row_B]], 1))
        return self.config.weight * preference_loss(score_B2, given.weight_N[row_B])


def preference_loss(score_B2: Tensor, weight_B: FloatArray) -> Tensor:
    """Bradley-Terry: the better item's score in column 0, the worse one's in column 1; 0 where all weights are."""
    score_B2 = at_least_float32(score_B2)
    weight = torch.from_numpy(weight_B).to(score_B2)
    return (softplus(score_B2[:, 1] - score_B2[:, 0]) * weight).sum() / weight.sum().clamp_min(1e-12)
