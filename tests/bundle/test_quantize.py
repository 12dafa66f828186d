from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bundle.quantize import quantize_graph
from bundle.session import OnnxSession, SessionConfig

WIDTH, ROWS = 64, 500


def write_graph(path: Path, *, apart: bool = False) -> None:
    """Rows of a table, summed and multiplied by a matrix; `apart` puts the weights into a file beside it."""
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
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.save(model, path, save_as_external_data=apart, location=f"{path.name}.data")


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


def test_an_embedding_does_not_depend_on_the_records_beside_it(tmp_path: Path) -> None:
    """A record of large numbers among others: one scale a batch would leave them a few steps of their own."""
    rng = np.random.default_rng(0)
    matrix = numpy_helper.from_array(rng.normal(size=(WIDTH, WIDTH)).astype(np.float32), "matrix")
    nodes = [
        helper.make_node("MatMul", ["numbers", "matrix"], ["hidden"]),
        helper.make_node("MatMul", ["hidden", "matrix"], ["embedding"]),
    ]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", WIDTH]) for n in ("numbers", "embedding")]
    graph = helper.make_graph(nodes, "small", ends[:1], ends[1:], [matrix])
    source, target = tmp_path / "fp32.onnx", tmp_path / "int8.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), source)
    quantize_graph(source, target)
    numbers = rng.normal(size=(20, WIDTH)).astype(np.float32)
    numbers[7] *= 100
    numbers[8] = 0
    before, after = (OnnxSession(path, SessionConfig()) for path in (source, target))
    expected, together = before.run({"numbers": numbers})[0], after.run({"numbers": numbers})[0]
    alone = np.concatenate([after.run({"numbers": numbers[row : row + 1]})[0] for row in range(20)])
    np.testing.assert_allclose(together, alone, rtol=1e-5)
    error = np.linalg.norm(together - expected, axis=1)
    assert (error <= 0.03 * np.linalg.norm(expected, axis=1)).all()
    assert error[7] > 0


@pytest.mark.parametrize("limit", [1000, 10**9])
def test_weights_beside_a_large_graph_are_replaced_too(
    limit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bundle.quantize.ONE_FILE_BYTES", limit)
    path, whole = tmp_path / "item.onnx", tmp_path / "whole.onnx"
    write_graph(path, apart=True)
    assert (tmp_path / "item.onnx.data").stat().st_size > 100_000
    quantize_graph(path, path)
    names = ["item.onnx", "item.onnx.data"] if limit == 1000 else ["item.onnx"]
    assert sorted(file.name for file in tmp_path.iterdir()) == names
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 60_000
    monkeypatch.undo()
    write_graph(whole)
    quantize_graph(whole, whole)
    tokens = {"tokens": np.arange(12).reshape(3, 4)}
    expected, answer = (OnnxSession(file, SessionConfig()).run(tokens)[0] for file in (whole, path))
    np.testing.assert_array_equal(answer, expected)
