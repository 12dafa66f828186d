"""A run whose towers are written in int8: measured again, told, and served."""

from pathlib import Path

import numpy as np
import pytest

from bundle.progress import NoProgress
from bundle.store import open_bundle
from bundle.workspace import Workspace
from tests.training.conftest import Trained
from tests.training.world import shop_config
from training.evaluate_bundle import evaluate_bundle
from training.quantized import Int8Cost
from training.run import train


class Notes(NoProgress):
    """Keeps the lines that a run shows."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)


def test_int8_towers_are_measured_and_the_cost_is_told(trained: Trained, tmp_path: Path) -> None:
    collection, notes = Workspace(tmp_path).collection("shop"), Notes()
    config = shop_config(export={"precision": "int8"}, quantizer=None, trainer={"refit": "none", "epochs": 2})
    result = train(config, trained.tables, collection, progress=notes)
    bundle = open_bundle(collection, result.bundle_id)
    evaluation = bundle.manifest.evaluation
    for name in ("query_cosine_min", "item_cosine_min"):
        assert 0.98 < evaluation[f"int8.{name}"] <= evaluation[f"int8.{name.replace('min', 'mean')}"] <= 1.0001
    assert evaluation["int8.item_cosine_mean"] < 1  # it is quantized
    assert evaluation["int8.ndcg@10"] == pytest.approx(evaluation["ndcg@10"], abs=0.1)
    assert notes.lines[-1] == (
        f"int8: ndcg@10 {evaluation['ndcg@10']:.4f} -> {evaluation['int8.ndcg@10']:.4f}, "
        f"mean cosine {min(evaluation['int8.query_cosine_mean'], evaluation['int8.item_cosine_mean']):.4f}"
    )
    card = (bundle.folder / "model_card.md").read_text()
    assert "## Towers in int8" in card
    assert f"| ndcg@10 | {evaluation['ndcg@10']:.4g} | {evaluation['int8.ndcg@10']:.4g} |" in card
    served = evaluate_bundle(bundle, trained.tables, "test")["model"]
    for name in ("ndcg@10", "recall@10", "mrr"):
        assert served[name] == pytest.approx(evaluation[f"int8.{name}"], abs=1e-9)
    fp32 = trained.folder / "item_tower.onnx"
    assert (bundle.folder / "item_tower.onnx").stat().st_size < fp32.stat().st_size
    np.testing.assert_allclose(np.linalg.norm(bundle.query.embed([{"land": "fr"}])), 1, atol=1e-5)


def test_the_manifest_s_names_keep_int8_apart() -> None:
    cost = Int8Cost({"mrr": 0.5}, {"mrr": 0.4}, {"query_cosine_mean": 0.99, "item_cosine_mean": 0.98})
    assert cost.flat() == {"int8.mrr": 0.4, "int8.query_cosine_mean": 0.99, "int8.item_cosine_mean": 0.98}
    assert cost.note("mrr") == "int8: mrr 0.5000 -> 0.4000, mean cosine 0.9800"
