from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from bundle.progress import NoProgress
from bundle.session import OnnxSession, SessionConfig
from tests.training.click_models.toy import toy_lists
from training.click_models.learner import ClickTrainingConfig, learn_from_clicks
from training.click_models.scorer import FeatureScorerConfig, export_scorer
from training.click_models.simulate import ClickSimulation, simulate
from training.errors import BadData, ExportMismatch


def test_a_scorer_trained_with_positions_is_served_without(tmp_path: Path) -> None:
    feature_QCF, lists = toy_lists(20)
    feature_NF = feature_QCF.reshape(-1, 4)
    log = simulate(lists, ClickSimulation(places=5), 500, np.random.default_rng(0))
    scorer = FeatureScorerConfig(hidden=8).build(feature_NF)
    config = ClickTrainingConfig(steps=10, batch_size=64)
    learn_from_clicks(scorer, log, [feature_NF], config, NoProgress(), np.random.default_rng(0))
    path = tmp_path / "scorer.onnx"
    export_scorer(scorer, feature_NF, path)
    graph = onnx.load(str(path)).graph
    assert [node.name for node in graph.input] == ["features"] and [node.name for node in graph.output] == ["score"]
    trained = sum(weight.numel() for weight in scorer.parameters()) + 2 * 4
    stored = sum(int(np.prod(array.dims)) for array in graph.initializer if array.data_type == onnx.TensorProto.FLOAT)
    assert stored == trained  # no propensity is among them
    session = OnnxSession(path, SessionConfig())
    served_N = session.run({"features": feature_NF})[0]
    with torch.no_grad():
        expected_QC = scorer(torch.from_numpy(feature_QCF)).numpy()
    assert served_N == pytest.approx(expected_QC.reshape(-1), abs=1e-5)
    # Where a pair stands in the request cannot matter.
    order = np.random.default_rng(1).permutation(len(feature_NF))
    assert session.run({"features": feature_NF[order]})[0] == pytest.approx(served_N[order], abs=1e-6)


def test_features_are_standardised_by_the_given_pairs_and_constants_do_no_harm() -> None:
    feature_NF = np.array([[1.0, 1000.0, 5.0], [3.0, 3000.0, 5.0]], dtype=np.float32)
    scorer = FeatureScorerConfig(hidden=4).build(feature_NF)
    seen = ((torch.from_numpy(feature_NF) - scorer.mean_F) * scorer.scale_F).tolist()
    assert seen == [pytest.approx([-1, -1, 0]), pytest.approx([1, 1, 0])]


def test_a_feature_that_is_no_number_is_named() -> None:
    with pytest.raises(BadData, match="feature 1 is NaN or infinite"):
        FeatureScorerConfig().build(np.array([[1.0, np.nan], [0.0, 1.0]], dtype=np.float32))


def test_a_graph_that_answers_otherwise_is_refused(tmp_path: Path) -> None:
    class Drifting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.calls = 0

        def forward(self, features: Tensor) -> Tensor:
            self.calls += 1
            return features.sum(-1) + self.calls

    with pytest.raises(ExportMismatch, match="differs from the trained scorer"):
        export_scorer(Drifting(), np.zeros((4, 3), dtype=np.float32), tmp_path / "scorer.onnx")
