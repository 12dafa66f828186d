"""Export of torch modules to ONNX graphs with a dynamic batch, and the checks on what was written.

Axes: B batch, T text length, D embedding, L levels.
"""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from bundle.columns import Array
from bundle.features import Feature, TextFeature, TokensFeature
from bundle.session import ONE_FILE_BYTES
from training.errors import ExportMismatch

OPSET = 20
_EXAMPLE_BATCH = 3  # the exporter may take a batch of 1 for a constant
_EXAMPLE_LENGTH = 5
# Control flow means a loop over records (what EmbeddingBag becomes): exact, but tens of times slower.
_FORBIDDEN = frozenset({"Loop", "If", "Scan", "SequenceMap"})


def export_tower(tower: nn.Module, features: Sequence[Feature], example: dict[str, Array], path: Path) -> None:
    """Write a tower: inputs named as the features, output `embedding` [B, D]. `example` is a batch of any size.

    Raises ExportMismatch when the written graph is not as asked.
    """
    axes: dict[str, dict[int, Any]] = {}
    arrays: dict[str, Tensor] = {}
    for feature in features:
        array = torch.from_numpy(example[feature.name])
        axes[feature.name] = {0: "batch"}
        if isinstance(feature, TextFeature | TokensFeature):
            # An axis of its own: the texts of two features need not be equally long.
            axes[feature.name][1] = f"{feature.name}_length"
            array = array.new_zeros((_EXAMPLE_BATCH, _EXAMPLE_LENGTH))
        arrays[feature.name] = array.new_zeros((_EXAMPLE_BATCH, *array.shape[1:]))
    export_graph(tower, arrays, axes, "embedding", path)


def export_graph(
    module: nn.Module, arrays: dict[str, Tensor], axes: dict[str, dict[int, Any]], output: str, path: Path
) -> None:
    """Write `module` with inputs named by `arrays`, in order; raises ExportMismatch when the graph is not as asked."""
    was_training = module.training
    module.eval()
    for part in module.modules():
        prepare = getattr(part, "prepare_export", None)
        if callable(prepare):
            prepare()
    with _quiet_exporter():
        program = torch.onnx.export(
            module,
            tuple(arrays.values()),
            dynamic_shapes=_dynamic_shapes(module, axes),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    module.train(was_training)
    if program is None:
        raise ExportMismatch(f"the exporter gave no graph for {path.name}", file=path.name)
    _name_values(program.model, list(arrays), output)
    size = sum(t.numel() * t.element_size() for t in module.state_dict().values())
    program.save(str(path), external_data=size >= ONE_FILE_BYTES)
    check_graph(path, list(arrays), output)


def check_graph(path: Path, inputs: Sequence[str], output: str) -> None:
    """Raise ExportMismatch unless the graph at `path` has this opset, these inputs and output and no control flow."""
    model = onnx.load(str(path), load_external_data=False)
    opset = {entry.domain: entry.version for entry in model.opset_import}.get("")
    if opset != OPSET:
        raise ExportMismatch(f"{path.name} was written with opset {opset}, but {OPSET} was asked", file=path.name)
    nodes = [*model.graph.node, *(node for function in model.functions for node in function.node)]
    found = sorted({node.op_type for node in nodes} & _FORBIDDEN)
    if found:
        raise ExportMismatch(
            f"{path.name} holds the control-flow operators {', '.join(found)}, which run once a record; "
            "write the module with gathers and masked sums",
            file=path.name,
        )
    names = [node.name for node in model.graph.input], [node.name for node in model.graph.output]
    if names != (list(inputs), [output]):
        raise ExportMismatch(f"{path.name} has inputs and outputs {names}, expected {list(inputs)} and {output}")


def _name_values(model: Any, inputs: Sequence[str], output: str) -> None:
    """Name the graph's inputs and output; every inner name gets a dot, which no feature's name may hold."""
    graph = model.graph
    for name, value in list(graph.initializers.items()):
        value.name = f"weight.{name}"
    inner = [value for node in graph for value in node.outputs]
    for number, value in enumerate(inner):
        value.name = f"value.{number}"
    for value, name in zip(graph.inputs, inputs, strict=True):
        value.name = name
    graph.outputs[0].name = output


def _dynamic_shapes(module: nn.Module, axes: dict[str, dict[int, Any]]) -> tuple[Any, ...]:
    # A tower takes its arrays as *arrays, which the exporter sees as one argument that is a tuple.
    shapes = tuple(axes.values())
    code = type(module).forward.__code__
    takes_any = bool(code.co_flags & 0x04)
    return (shapes,) if takes_any else shapes


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Within the block the exporter's notes about itself are silent; errors still are raised."""
    exporter = logging.getLogger("torch.onnx")
    level = exporter.level
    exporter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # Deprecations inside the exporter's own dependencies, and a note that inputs share one axis name.
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.filterwarnings("ignore", message=".*axis name.*")
            yield
    finally:
        exporter.setLevel(level)
