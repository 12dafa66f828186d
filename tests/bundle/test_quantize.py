from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bundle.quantize import quantize_graph
from bundle.session import OnnxSession, SessionConfig

WIDTH, ROWS = 64, 500


def write_graph(path: Path) -> None:
    """Rows of a table, summed and multiplied by a matrix."""
    rng = np.random.default_rng(0)
    weights = {"table": rng.normal(size=(ROWS, WIDTH)), "matrix": rng.normal(size=(WIDTH, 32))}
    nodes = [
        helper.make_node("Gather", ["table", "tokens"], ["rows"]),
        helper.make_node("ReduceMean", ["rows", "axis"], ["mean"], keepdims=0),
        helper.make_node("MatMul", ["mean", "matrix"], ["embedding"]),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("tokens", TensorProto.INT64, ["batch", "length"])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", 32])],
        [numpy_helper.from_array(v.astype(np.float32), k) for k, v in weights.items()]
        + [numpy_helper.from_array(np.array([1]), "axis")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)


def test_the_graph_is_near_small_and_silent(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    source, target = tmp_path / "fp32.onnx", tmp_path / "int8.onnx"
    write_graph(source)
    quantize_graph(source, target)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fp32.onnx", "int8.onnx"]
    assert target.stat().st_size < 0.4 * source.stat().st_size
    before, after = (OnnxSession(path, SessionConfig()) for path in (source, target))
    assert (after.input_names, after.output_names) == (before.input_names, before.output_names)
    tokens = np.random.default_rng(1).integers(0, ROWS, (50, 7))
    expected, answer = before.run({"tokens": tokens})[0], after.run({"tokens": tokens})[0]
    cosine = (expected * answer).sum(1) / np.linalg.norm(expected, axis=1) / np.linalg.norm(answer, axis=1)
    assert 0.999 < cosine.min()
    assert np.abs(expected - answer).max() > 0
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


def test_equal_graphs_give_equal_bytes_also_in_place(tmp_path: Path) -> None:
    first, second = tmp_path / "a.onnx", tmp_path / "b.onnx"
    write_graph(first)
    quantize_graph(first, second)
    quantize_graph(first, first)
    assert first.read_bytes() == second.read_bytes()
