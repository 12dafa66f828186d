"""A bundle whose towers are one matrix over a given vector: embeddings of any size, NaN and infinity included."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from bundle.features import FeatureSpec, VectorFeature
from bundle.store import ITEM_TOWER, QUERY_TOWER, Bundle, BundleDraft, open_bundle, write_bundle
from bundle.workspace import Collection


def linear_bundle(
    collection: Collection, weights_DD: NDArray[np.float32], metric: Literal["cosine", "dot"] = "dot"
) -> Bundle:
    """Write and open a bundle with the towers x -> x W."""
    feature = VectorFeature(name="vector", dimension=len(weights_DD))

    def write_files(folder: Path) -> None:
        for name in (QUERY_TOWER, ITEM_TOWER):
            onnx.save(_tower(weights_DD), folder / name)

    draft = BundleDraft(
        name=collection.name,
        dimension=weights_DD.shape[1],
        metric=metric,
        features=FeatureSpec(query=(feature,), item=(feature,)),
        vocabularies={},
        statistics={},
        semantic_id_codebooks=None,
        evaluation={},
        training={},
    )
    return open_bundle(collection, write_bundle(collection, draft, write_files))


def _tower(weights_DD: NDArray[np.float32]) -> Any:
    wide, narrow = weights_DD.shape
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["vector", "W"], ["embedding"])],
        "linear",
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["batch", wide])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", narrow])],
        [numpy_helper.from_array(weights_DD, "W")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
