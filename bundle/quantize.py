"""Dynamic int8 of an ONNX graph: matrices are stored in 8 bits, activations are quantized while it runs.

Every row of an activation has a scale of its own, so no embedding depends on the records that share its batch.
Needs the package onnx, which training has and a server has not.
"""

import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper, parser
from onnxruntime.quantization import QuantType, quantize_dynamic

from bundle.session import ONE_FILE_BYTES

_DOMAIN, _QUANTIZE_ROWS, _ZERO = "tandem", "QuantizeRows", "zero_point.rows"
# A row of zeros has a scale too, so that nothing is divided by 0.
_FUNCTION = """
<domain: "tandem", opset_import: ["" : 20]>
QuantizeRows (values) => (quantized, scale)
{
    last = Constant <value_ints = [-1]> ()
    steps = Constant <value = float {127.0}> ()
    smallest = Constant <value = float {1e-30}> ()
    zero = Constant <value = float {128.0}> ()
    sizes = Abs (values)
    largest = ReduceMax (sizes, last)
    step = Div (largest, steps)
    scale = Max (step, smallest)
    scaled = Div (values, scale)
    rounded = Round (scaled)
    shifted = Add (rounded, zero)
    quantized = Cast <to = 2> (shifted)
}
"""


def quantize_graph(source: Path, target: Path) -> None:
    """Write the graph at `source` to `target` with its matrix products and tables in int8; equal in, equal out.

    Weights have one scale a column and 7 of the 8 bits, so that no processor's 16-bit sums overflow. A result of
    `ONE_FILE_BYTES` and more has its weights in `<target>.data`; where it has not, none is left there.
    """
    with tempfile.TemporaryDirectory() as scratch, _quiet():
        first, last = Path(scratch) / "first.onnx", Path(scratch) / target.name
        quantize_dynamic(
            source,
            first,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            use_external_data_format=_data_of(source).exists(),
            extra_options={},
        )
        model = onnx.load(first)
        _quantize_by_row(model)
        apart = sum(len(tensor.raw_data) for tensor in model.graph.initializer) >= ONE_FILE_BYTES
        onnx.save(model, last, save_as_external_data=apart, location=_data_of(last).name)
        _data_of(target).unlink(missing_ok=True)
        for written in (last, _data_of(last)):
            if written.exists():
                shutil.move(written, target.with_name(written.name))


def _data_of(path: Path) -> Path:
    """Where a graph too large for one file keeps its weights."""
    return path.with_name(f"{path.name}.data")


def _quantize_by_row(model: onnx.ModelProto) -> None:
    """Put one scale a row in the place of one scale a batch."""
    graph = model.graph
    scales, renamed = set(), {}
    for node in graph.node:
        if node.op_type == "DynamicQuantizeLinear":
            node.op_type, node.domain = _QUANTIZE_ROWS, _DOMAIN
            scales.add(node.output[1])
            renamed[node.output.pop()] = _ZERO
    if not scales:
        return
    nodes = list(_rows_last(graph.node, scales))
    for node in nodes:
        node.input[:] = [renamed.get(name, name) for name in node.input]
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.append(numpy_helper.from_array(np.array(128, dtype=np.uint8), _ZERO))
    model.functions.append(parser.parse_function(_FUNCTION))
    model.opset_import.append(helper.make_opsetid(_DOMAIN, 1))


def _rows_last(nodes: Iterator[onnx.NodeProto], scales: set[str]) -> Iterator[onnx.NodeProto]:
    """The product (row scale x column scale) x sums as (sums x column scale) x row scale.

    The runtime fuses the first form into an operator that reads one row's scale for all rows.
    """
    pairs: dict[str, tuple[str, str]] = {}
    for node in nodes:
        if node.op_type == "Mul" and node.input[0] in scales:
            pairs[node.output[0]] = node.input[0], node.input[1]
        elif node.op_type == "Mul" and node.input[1] in pairs:
            sums, both = node.input
            row, column = pairs[both]
            yield helper.make_node("Mul", [sums, column], [both])
            node.input[:] = [both, row]
            yield node
        else:
            yield node


@contextmanager
def _quiet() -> Iterator[None]:
    """Within the block the advice that the quantizer logs on the root logger is silent."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)
