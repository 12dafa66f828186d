"""Dynamic int8 of an ONNX graph: matrices are stored in 8 bits, activations are quantized while it runs.

Needs the package onnx, which training has and a server has not.
"""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from onnxruntime.quantization import QuantType, quantize_dynamic


def quantize_graph(source: Path, target: Path) -> None:
    """Write the graph at `source` to `target` with its matrix products and tables in int8; equal in, equal out.

    Weights have one scale a column and 7 of the 8 bits, so that no processor's 16-bit sums overflow.
    """
    with tempfile.TemporaryDirectory() as scratch, _quiet():
        written = Path(scratch) / target.name
        quantize_dynamic(
            source, written, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True, extra_options={}
        )
        target.write_bytes(written.read_bytes())


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
