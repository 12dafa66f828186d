"""What the exporter writes, and what it refuses to have written."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from bundle.features import CategoryFeature, TextFeature
from bundle.session import OnnxSession, SessionConfig
from training.errors import ExportMismatch
from training.export import OPSET, check_graph, export_graph, export_tower

BATCH = {0: "batch"}


class Bag(nn.Module):
    """An EmbeddingBag: exact in ONNX, but a loop over records."""

    def __init__(self) -> None:
        super().__init__()
        self.bag = nn.EmbeddingBag(20, 4)

    def forward(self, *arrays: Tensor) -> Tensor:
        summed_BD: Tensor = self.bag(arrays[0])
        return summed_BD


class Sum(nn.Module):
    """Two texts of unequal length and a category."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(20, 4)
        self.dropout = nn.Dropout(0.9)

    def forward(self, *arrays: Tensor) -> Tensor:
        total_BD: Tensor = self.table(arrays[0]).sum(1) - self.table(arrays[1]).sum(1) + self.table(arrays[2])
        dropped_BD: Tensor = self.dropout(total_BD)
        return dropped_BD


FEATURES = (TextFeature(name="title"), TextFeature(name="body"), CategoryFeature(name="sub"))


def arrays(batch: int, title: int, body: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    shapes = {"title": (batch, title), "body": (batch, body), "sub": (batch,)}
    return {name: rng.integers(0, 20, shape) for name, shape in shapes.items()}


def test_one_file_with_named_inputs_a_dynamic_batch_and_free_text_lengths(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    module = Sum()
    export_tower(module, FEATURES, arrays(1, 3, 2), tmp_path / "tower.onnx")
    assert module.training  # as it was
    assert [path.name for path in tmp_path.iterdir()] == ["tower.onnx"]
    assert capfd.readouterr().out == ""
    session = OnnxSession(tmp_path / "tower.onnx", SessionConfig())
    assert session.input_names == ("title", "body", "sub")
    assert session.output_names == ("embedding",)
    module.eval()
    for batch, title, body in ((1, 1, 1), (2, 7, 3), (64, 2, 30)):
        given = arrays(batch, title, body)
        with torch.no_grad():
            expected = module(*(torch.from_numpy(a) for a in given.values())).numpy()
        np.testing.assert_allclose(session.run(given)[0], expected, atol=1e-5)


def test_equal_modules_give_equal_bytes(tmp_path: Path) -> None:
    module = Sum()
    for name in ("a", "b"):
        export_tower(module, FEATURES, arrays(1, 3, 2), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_loop_over_records_is_refused(tmp_path: Path) -> None:
    ids = {"ids": torch.zeros(3, 5, dtype=torch.int64)}
    with pytest.raises(ExportMismatch, match="Loop"):
        export_graph(Bag(), ids, {"ids": BATCH}, "embedding", tmp_path / "bag.onnx")


def test_another_opset_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tower.onnx"
    export_tower(Sum(), FEATURES, arrays(1, 3, 2), path)
    model = onnx.load(str(path))
    model.opset_import[0].version = OPSET - 2
    onnx.save(model, str(path))
    with pytest.raises(ExportMismatch, match=f"opset {OPSET - 2}"):
        check_graph(path, ["title", "body", "sub"], "embedding")


def test_other_names_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "tower.onnx"
    export_tower(Sum(), FEATURES, arrays(1, 3, 2), path)
    with pytest.raises(ExportMismatch, match="inputs and outputs"):
        check_graph(path, ["title", "sub", "body"], "embedding")
