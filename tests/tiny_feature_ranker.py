"""A feature ranker whose graph is written by hand: a weighted sum of the features that are known.

M items, F features.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bundle.rerankers.feature_ranker import FEATURES, FILE, ITEMS_FILE, SCORE, FeatureRankerSpec
from bundle.rerankers.item_statistics import DAY, ItemStatistics, KnownItems


def write_feature_ranker(
    folder: Path,
    spec: FeatureRankerSpec,
    weights: Mapping[str, float],
    item_ids: Sequence[str],
    taken: Sequence[int],
) -> None:
    """Write its files: `weights` by feature, and interactions, one a day, with the items at these places."""
    onnx.save(_graph(np.array([weights.get(name, 0) for name in spec.names], dtype=np.float32)), folder / FILE)
    days_P = np.arange(len(taken)) * DAY
    statistics = ItemStatistics.of(np.array(taken), days_P, len(item_ids), recent_days=2)
    KnownItems(item_ids, statistics).write(folder / ITEMS_FILE)


def _graph(weight_F: np.ndarray) -> onnx.ModelProto:
    nodes = [
        helper.make_node("IsNaN", [FEATURES], ["missing_MF"]),
        helper.make_node("Where", ["missing_MF", "zero", FEATURES], ["known_MF"]),
        helper.make_node("MatMul", ["known_MF", "weight_F"], [SCORE]),
    ]
    constants = {"zero": np.zeros(1, dtype=np.float32), "weight_F": weight_F}
    inputs = [helper.make_tensor_value_info(FEATURES, TensorProto.FLOAT, ["M", len(weight_F)])]
    outputs = [helper.make_tensor_value_info(SCORE, TensorProto.FLOAT, ["M"])]
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "weighted", inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model
