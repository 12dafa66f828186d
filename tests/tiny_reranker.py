"""A cross-encoder whose graph is written by hand: how many words of an item its query has, less a hundredth a word.

One that fails raises for a pair with the word RAISES, and gives NaN for one with the word NOT_A_NUMBER.

N pairs, T tokens.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bundle.rerankers import RerankerSpec
from bundle.store import RERANKER
from bundle.tokens import TextTokenizer
from tests.training.tiny_model import PIECES, tokenizer_json

MODEL = "tiny"
RAISES, NOT_A_NUMBER = "garden", "steel"


def tiny_spec(query: str, items: Sequence[str]) -> RerankerSpec:
    """What it reads."""
    return RerankerSpec(tokenizer=MODEL, query_columns=(query,), item_columns=tuple(items), max_tokens=40)


def tiny_tokenizers() -> Mapping[str, TextTokenizer]:
    """The tokenizer of the spec."""
    return {MODEL: TextTokenizer(tokenizer_json(), "tiny.json")}


def write_reranker(folder: Path, *, fails: bool = False) -> None:
    """Write the graph, or the one that fails, into a bundle's folder."""
    onnx.save(_graph(fails), folder / RERANKER)


def _graph(fails: bool) -> onnx.ModelProto:
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
        helper.make_node("Sub", ["shared_N", "paid_N"], ["good" if fails else "score"]),
        *(_failing("good", "score") if fails else ()),
    ]
    constants = {
        "middle": np.array([1], dtype=np.int64),
        "last": np.array([2], dtype=np.int64),
        "both": np.array([1, 2], dtype=np.int64),
        "price": np.array(0.01, dtype=np.float32),
    }
    if fails:
        constants |= {
            "raises": np.array(PIECES.index(RAISES) + 1, dtype=np.int64),
            "not_a_number": np.array(PIECES.index(NOT_A_NUMBER) + 1, dtype=np.int64),
            "nothing": np.zeros(1, dtype=np.float32),
        }
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["N", "T"]) for name in ("tokens", "parts")]
    outputs = [helper.make_tensor_value_info("score", TensorProto.FLOAT, ["N"])]
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "overlap", inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def _failing(score: str, output: str) -> list[onnx.NodeProto]:
    """Add 0 to every score, but a number from beyond the end of a list of one, or the root of -1, to the bad ones."""
    return [
        helper.make_node("Equal", ["tokens", "raises"], ["raises_NT"]),
        helper.make_node("Cast", ["raises_NT"], ["raising_NT"], to=TensorProto.INT64),
        helper.make_node("ReduceSum", ["raising_NT", "middle"], ["place_N"], keepdims=0),
        helper.make_node("Gather", ["nothing", "place_N"], ["zero_N"]),
        helper.make_node("Equal", ["tokens", "not_a_number"], ["nan_NT"]),
        helper.make_node("Cast", ["nan_NT"], ["counted_NT"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["counted_NT", "middle"], ["counted_N"], keepdims=0),
        helper.make_node("Neg", ["counted_N"], ["below_0_N"]),
        helper.make_node("Sqrt", ["below_0_N"], ["root_N"]),
        helper.make_node("Sum", [score, "zero_N", "root_N"], [output]),
    ]
