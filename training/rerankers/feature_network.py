"""The network of the feature ranker, and its graph.

Axes: M pairs, F features, C categories, E embedding of a category.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from bundle.rerankers.feature_ranker import CATEGORIES, FEATURES, SCORE
from bundle.rerankers.pair_features import PairArrays
from bundle.session import OnnxSession, SessionConfig
from training.errors import ExportMismatch
from training.export import export_graph
from training.parity import MAX_DIFFERENCE
from training.ragged import FloatArray

_FARTHEST = 10.0  # standard deviations; what lies farther out says no more
_CATEGORY_WIDTH = 8


class FeatureNetwork(nn.Module):
    """Standardised features, a flag for each that is missing, and embedded categories, to a score.

    The score begins as the first feature, which is that of the towers: a network that learnt nothing keeps their order.
    """

    mean_F: Tensor
    std_F: Tensor

    def __init__(
        self, feature_MF: FloatArray, category_sizes: Sequence[int], hidden: Sequence[int], dropout: float
    ) -> None:
        """`feature_MF`: what standardises, from training data; `category_sizes`: rows of every category."""
        super().__init__()
        mean_F, std_F = _statistics(feature_MF)
        self.register_buffer("mean_F", torch.from_numpy(mean_F))
        self.register_buffer("std_F", torch.from_numpy(std_F))
        self.embeddings = nn.ModuleList(nn.Embedding(size, _CATEGORY_WIDTH) for size in category_sizes)
        width = 2 * feature_MF.shape[1] + _CATEGORY_WIDTH * len(category_sizes)
        layers: list[nn.Module] = []
        for size in hidden:
            layers += [nn.Linear(width, size), nn.GELU(), nn.Dropout(dropout)]
            width = size
        last = nn.Linear(width, 1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(*layers, last)
        self.tower = nn.Parameter(torch.ones(()))

    def forward(self, *arrays: Tensor) -> Tensor:
        """Features float32 [..., F], NaN where missing, and categories int64 [..., C] if any -> scores [...]."""
        feature = arrays[0]
        is_missing = torch.isnan(feature)
        standard = ((feature - self.mean_F) / self.std_F).clamp(-_FARTHEST, _FARTHEST)
        standard = torch.where(is_missing, torch.zeros_like(standard), standard)
        parts = [standard, is_missing.to(standard.dtype)]
        parts += [embedding(arrays[1][..., c]) for c, embedding in enumerate(self.embeddings)]
        score: Tensor = self.tower * standard[..., 0] + self.layers(torch.cat(parts, -1))[..., 0]
        return score

    def arrays(self, pairs: PairArrays) -> list[Tensor]:
        """What `forward` and the graph read of features."""
        features = [torch.from_numpy(pairs.feature_MF)]
        return [*features, torch.from_numpy(pairs.category_MC)] if len(self.embeddings) else features


def export_network(network: FeatureNetwork, example: PairArrays, path: Path) -> float:
    """Write the graph and leave the network on the CPU in evaluation mode.

    Returns what `check_network` measures on `example`; raises ExportMismatch.
    """
    network.cpu().eval()
    shown = {name: array.new_zeros((3, *array.shape[1:])) for name, array in _named(network, example).items()}
    export_graph(network, shown, {name: {0: "batch"} for name in shown}, SCORE, path)
    return check_network(network, example, path)


def check_network(network: FeatureNetwork, example: PairArrays, path: Path) -> float:
    """Largest difference to the network's scores; raises ExportMismatch where that is beyond 1e-5 of the largest."""
    arrays = _named(network, example)
    with torch.no_grad():
        expected_M = network(*arrays.values()).numpy()
    answer_M = OnnxSession(path, SessionConfig()).run({name: array.numpy() for name, array in arrays.items()})[0]
    worst = float(np.abs(answer_M - expected_M).max())
    if not worst <= MAX_DIFFERENCE * max(1.0, float(np.abs(expected_M).max())):  # NaN fails too
        raise ExportMismatch(f"{path.name} differs from the trained feature ranker by {worst:.3g}", file=path.name)
    return worst


def _named(network: FeatureNetwork, pairs: PairArrays) -> dict[str, Tensor]:
    return dict(zip((FEATURES, CATEGORIES), network.arrays(pairs), strict=False))


def _statistics(feature_MF: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and deviation of every feature where it is known; a deviation of 0 counts as 1."""
    known_MF = ~np.isnan(feature_MF)
    count_F = np.maximum(known_MF.sum(axis=0), 1)
    mean_F = np.where(known_MF, feature_MF, 0).sum(axis=0, dtype=np.float64) / count_F
    square_F = np.where(known_MF, (feature_MF - mean_F) ** 2, 0).sum(axis=0) / count_F
    std_F = np.sqrt(square_F)
    return mean_F.astype(np.float32), np.where(std_F > 1e-6, std_F, 1.0).astype(np.float32)
