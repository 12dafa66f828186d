"""A small cross-encoder that learns from a large one what it says of a query's candidates, and is served in its place.

It begins as the teacher without some of its layers (Shleifer and Rush, "Pre-trained Summarization Distillation",
2020), then learns the teacher's margins (Hofstaetter et al., 2020) or its distribution over the list (Hinton et al.,
2015). Axes: B queries, C candidates of each.
"""

from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from bundle.config import Config
from bundle.errors import ConfigError
from training.mining.miner import Mined
from training.ragged import IntArray
from training.rankers.cross_encoder import CrossEncoderRanker
from training.rankers.learner import Loss, Targets
from training.rankers.losses import distribution_loss, margin_mse_loss


class StudentConfig(Config):
    """Fewer layers of the same model, trained on what the whole model says."""

    layers: int = Field(
        default=2, ge=1, description="Layers kept of the trained model, spread evenly from its first to its last."
    )
    steps: int = Field(default=500, ge=1, description="Steps of the student.")
    objective: Literal["margin_mse", "kl"] = Field(
        default="margin_mse",
        description="'margin_mse' copies by how much the positive leads each other item, 'kl' the shares of a softmax "
        "over the list.",
    )
    temperature: float = Field(default=1.0, gt=0, description="Divides both models' scores where objective = 'kl'.")

    @property
    def loss(self) -> Loss:
        """The student's scores, the teacher's scores and the mask -> the loss."""
        if self.objective == "margin_mse":
            return margin_mse_loss
        return lambda score_BC, teacher_BC, real_BC: distribution_loss(score_BC, teacher_BC, real_BC, self.temperature)


def shrink(ranker: CrossEncoderRanker, n_layers: int) -> None:
    """Keep `n_layers` of its layers and all else; raises ConfigError as `check_layers`."""
    owner, name = check_layers(ranker, n_layers)
    layers = getattr(owner, name)
    kept = np.linspace(0, len(layers) - 1, n_layers).round().astype(int)
    setattr(owner, name, nn.ModuleList(layers[row] for row in kept.tolist()))
    settings: Any = ranker.model.backbone.model.config
    settings.num_hidden_layers = n_layers


def check_layers(ranker: CrossEncoderRanker, n_layers: int) -> tuple[nn.Module, str]:
    """The module that holds the layers, and the name of their list in it.

    Raises ConfigError where the model has no more layers than that, or keeps them in no list.
    """
    model: Any = ranker.model.backbone.model
    n_before = int(getattr(model.config, "num_hidden_layers", 0))
    stacks = [
        (module, name)
        for module in model.modules()
        for name, child in module.named_children()
        if isinstance(child, nn.ModuleList) and len(child) == n_before
    ]
    if len(stacks) != 1:
        raise ConfigError(
            "reranker.student cannot tell the layers of this model apart; leave the student out, or use a model of the "
            "BERT family"
        )
    if n_layers >= n_before:
        raise ConfigError(
            f"reranker.student.layers = {n_layers}, but the model has {n_before}; keep fewer, or leave the student out"
        )
    return stacks[0]


def teacher_scores(teacher: CrossEncoderRanker) -> Targets:
    """What the teacher says of candidates, in evaluation mode and without a gradient."""
    teacher.train(False)

    def score(query_B: IntArray, item_BC: IntArray) -> Tensor:
        with torch.no_grad():
            return teacher.score(query_B, item_BC)

    return score


def agreement(one: CrossEncoderRanker, other: CrossEncoderRanker, mined: Mined, most: int) -> float:
    """Share of the pairs of mined items of a query that both order alike, over the first `most` queries with two."""
    shares = []
    for row in np.flatnonzero(mined.found.items.lengths >= 2)[:most]:
        query_B, item_BC = mined.queries.query_rows_Q[[row]], mined.found.items.row(int(row))[None]
        with torch.no_grad():
            first_C, second_C = (ranker.score(query_B, item_BC)[0].float().cpu() for ranker in (one, other))
        upper_CC = torch.ones(len(first_C), len(first_C), dtype=torch.bool).triu(1)
        alike_CC = (first_C[:, None] - first_C).sign() == (second_C[:, None] - second_C).sign()
        shares.append(float(alike_CC[upper_CC].float().mean()))
    return float(np.mean(shares)) if shares else float("nan")
