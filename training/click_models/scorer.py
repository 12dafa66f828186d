"""The scorer that is served: numbers that describe a query and an item to a score; it never sees a position.

Letters: B pairs of a batch, N pairs, F features.
"""

from pathlib import Path

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from bundle.config import Config
from bundle.session import OnnxSession, SessionConfig
from training.errors import BadData, ExportMismatch
from training.export import export_graph
from training.parity import BATCHES, MAX_DIFFERENCE
from training.ragged import FloatArray

FEATURES, SCORE = "features", "score"


class FeatureScorerConfig(Config):
    """Standardised features, then one layer."""

    hidden: int = Field(default=32, ge=1, description="Width of the layer.")

    def build(self, feature_NF: FloatArray) -> "FeatureScorer":
        """A fresh scorer that standardises by these pairs; raises BadData for a feature that is not finite."""
        if not np.isfinite(feature_NF).all():
            column = int(np.flatnonzero(~np.isfinite(feature_NF).all(0))[0])
            raise BadData(f"feature {column} is NaN or infinite for a pair; give every pair a number")
        return FeatureScorer(feature_NF.mean(0), feature_NF.std(0), self.hidden)


class FeatureScorer(nn.Module):
    """Features [..., F] to scores [...]; a pair's score depends on its own features alone."""

    mean_F: Tensor
    scale_F: Tensor

    def __init__(self, mean_F: FloatArray, deviation_F: FloatArray, hidden: int) -> None:
        super().__init__()
        scale_F = 1 / np.where(deviation_F > 0, deviation_F, 1)
        self.register_buffer("mean_F", torch.from_numpy(mean_F.astype(np.float32)))
        self.register_buffer("scale_F", torch.from_numpy(scale_F.astype(np.float32)))
        self.layers = nn.Sequential(nn.Linear(len(mean_F), hidden), nn.GELU(), nn.Linear(hidden, 1))

    def forward(self, features: Tensor) -> Tensor:
        """Scores, larger is better."""
        score: Tensor = self.layers((features - self.mean_F) * self.scale_F)[..., 0]
        return score


def export_scorer(scorer: nn.Module, feature_NF: FloatArray, path: Path) -> None:
    """Write a graph with input `features` [B, F] and output `score` [B], and compare it on these pairs.

    `scorer` may be any module that maps features [..., F] to scores [...]. Raises ExportMismatch.
    """
    export_graph(scorer, {FEATURES: torch.zeros(3, feature_NF.shape[1])}, {FEATURES: {0: "batch"}}, SCORE, path)
    session = OnnxSession(path, SessionConfig())
    scorer.eval()
    for size in BATCHES:
        part_BF = feature_NF[np.arange(size) % len(feature_NF)].astype(np.float32)
        with torch.no_grad():
            expected_B = scorer(torch.from_numpy(part_BF)).numpy()
        worst = float(np.abs(session.run({FEATURES: part_BF})[0] - expected_B).max())
        allowed = MAX_DIFFERENCE * max(1.0, float(np.abs(expected_B).max()))
        if not worst <= allowed:  # NaN fails too
            raise ExportMismatch(
                f"{path.name} differs from the trained scorer by {worst:.3g} (batch {size}); at most {allowed:.3g} is "
                "allowed",
                file=path.name,
                difference=worst,
            )
