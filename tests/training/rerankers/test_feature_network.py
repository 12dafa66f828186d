"""The network of the feature ranker: what it starts as, what missing means to it, and that its graph agrees."""

from pathlib import Path

import numpy as np
import pytest
import torch

from bundle.rerankers.pair_features import PairArrays
from training.errors import ExportMismatch
from training.ragged import FloatArray
from training.rerankers.feature_network import FeatureNetwork, check_network, export_network

RNG = np.random.default_rng(0)
FEATURES_MF = RNG.normal(3, 2, (200, 4)).astype(np.float32)
FEATURES_MF[::5, 2] = np.nan
CATEGORIES_MC = RNG.integers(0, 6, (200, 1))
EXAMPLE = PairArrays(FEATURES_MF, CATEGORIES_MC)


def network(seed: int = 0, *, trained: bool = True) -> FeatureNetwork:
    torch.manual_seed(seed)
    made = FeatureNetwork(FEATURES_MF, [6], (8,), 0.5)
    if trained:
        for parameter in made.parameters():
            torch.nn.init.normal_(parameter, std=0.5)
    return made.eval()


def scores(made: FeatureNetwork, pairs: PairArrays = EXAMPLE) -> FloatArray:
    with torch.no_grad():
        score_M: FloatArray = made(*made.arrays(pairs)).numpy()
    return score_M


def test_before_it_learns_it_keeps_the_towers_order() -> None:
    assert scores(network(trained=False)).argsort().tolist() == FEATURES_MF[:, 0].argsort(kind="stable").tolist()


def test_a_missing_value_is_not_the_mean() -> None:
    made = network()
    mean = float(np.nanmean(FEATURES_MF[:, 2]))
    known = PairArrays(np.nan_to_num(FEATURES_MF, nan=mean), CATEGORIES_MC)
    differs = np.abs(scores(made, known) - scores(made)) > 1e-4
    assert differs.tolist() == np.isnan(FEATURES_MF[:, 2]).tolist()


def test_a_feature_that_is_always_the_same_or_never_known_changes_nothing() -> None:
    flat_MF = np.stack([FEATURES_MF[:, 0], np.full(200, 7), np.full(200, np.nan)], axis=1).astype(np.float32)
    made = FeatureNetwork(flat_MF, [], (8,), 0.0).eval()
    assert np.isfinite(scores(made, PairArrays(flat_MF, CATEGORIES_MC[:, :0]))).all()


def test_its_graph_scores_as_it_does_and_another_network_s_does_not(tmp_path: Path) -> None:
    path = tmp_path / "ranker.onnx"
    assert export_network(network(), EXAMPLE, path) < 1e-5
    with pytest.raises(ExportMismatch, match=r"ranker\.onnx differs from the trained feature ranker by"):
        check_network(network(seed=1), EXAMPLE, path)
