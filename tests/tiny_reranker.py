"""A cross-encoder whose graph is written by hand: how many words of an item its query has, less a hundredth a word.

N pairs, T tokens.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bundle.rerankers.cross_encoder import FILE, CrossEncoderSpec
from bundle.tokens import TextTokenizer
from tests.training.tiny_model import tokenizer_json

MODEL = "tiny"


def tiny_spec(query: str, items: Sequence[str]) -> CrossEncoderSpec:
    """What it reads."""
    return CrossEncoderSpec(tokenizer=MODEL, query_columns=(query,), item_columns=tuple(items), max_tokens=40)


def tiny_tokenizers() -> Mapping[str, TextTokenizer]:
    """The tokenizer of the spec."""
    return {MODEL: TextTokenizer(tokenizer_json(), "tiny.json")}


def write_reranker(folder: Path) -> None:
    """Write the graph into a bundle's folder."""
    onnx.save(_graph(), folder / FILE)


def _graph() -> onnx.ModelProto:
    nodes = [
        helper.make_node("Unsqueeze", ["tokens", "last"], ["tokens_NT1"]),
        helper.make_node("Unsqueeze", ["tokens", "middle"], ["tokens_N1T"]),
        helper.make_node("Equal", ["tokens_NT1", "tokens_N1T"], ["same_NTT"]),
        helper.make_node("Unsqueeze", ["parts", "last"], ["parts_NT1"]),
        helper.make_node("Unsqueeze", ["parts", "middle"], ["parts_N1T"]),
        helper.make_node("Greater", ["parts_NT1", "parts_N1T"], ["across_NTT"]),
        helper.make_node("And", ["same_NTT", "across_NTT"], ["shared_NTT"]),
        helper.make_node("Cast", ["shared_NTT"], ["count_NTT"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["count_NTT", "both"], ["shared_N"], keepdims=0),
        helper.make_node("Cast", ["parts"], ["item_NT"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["item_NT", "middle"], ["length_N"], keepdims=0),
        helper.make_node("Mul", ["length_N", "price"], ["paid_N"]),
        helper.make_node("Sub", ["shared_N", "paid_N"], ["score"]),
    ]
    constants = {
        "middle": np.array([1], dtype=np.int64),
        "last": np.array([2], dtype=np.int64),
        "both": np.array([1, 2], dtype=np.int64),
        "price": np.array(0.01, dtype=np.float32),
    }
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["N", "T"]) for name in ("tokens", "parts")]
    outputs = [helper.make_tensor_value_info("score", TensorProto.FLOAT, ["N"])]
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "overlap", inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model
