"""A small real bundle for tests, its graphs written node by node: no torch, no training, milliseconds.

Both towers read one text, `title`: the sum of its n-gram rows of a random table, L2-normalised, so that equal titles
score 1. The codec is a greedy residual quantizer with random codebooks.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bundle.features import FeatureSpec, TextFeature
from bundle.quantizer import SemanticIdCodec
from bundle.rerankers import RerankerSpecs
from bundle.semantic_id import SemanticIdSpace
from bundle.session import OnnxSession, SessionConfig
from bundle.store import ITEM_TOWER, QUERY_TOWER, SEMANTIC_ID_DECODE, SEMANTIC_ID_ENCODE, BundleDraft, write_bundle
from bundle.workspace import Collection
from tests.tiny_reranker import tiny_spec, tiny_tokenizers, write_reranker

BUCKETS = 4096


def tiny_bundle(
    collection: Collection,
    *,
    dimension: int = 8,
    seed: int = 0,
    codebook_sizes: tuple[int, ...] | None = (4, 4),
    queries_are: Literal["queries", "items"] = "queries",
    reranker: bool = False,
) -> str:
    """Write the bundle and return its id; another seed is another bundle.

    Where queries are items the query tower has a table of its own. The reranker reads the same text.
    """
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(BUCKETS + 1, dimension)).astype(np.float32)
    table[0] = 0
    sizes = codebook_sizes or ()
    codebooks = [rng.normal(scale=0.5**level, size=(n, dimension)).astype(np.float32) for level, n in enumerate(sizes)]
    query_table = table
    if queries_are == "items":
        query_table = np.random.default_rng(seed + 1_000).normal(size=table.shape).astype(np.float32)
        query_table[0] = 0
    feature = TextFeature(name="title", buckets=BUCKETS)

    def write_files(folder: Path) -> None:
        onnx.save(_tower(query_table), folder / QUERY_TOWER)
        onnx.save(_tower(table), folder / ITEM_TOWER)
        (folder / "model_card.md").write_text("# Tiny\n")
        (folder / "report").mkdir()
        (folder / "report" / "index.html").write_text("<p>tiny</p>\n")
        if codebooks:
            onnx.save(_encode(codebooks), folder / SEMANTIC_ID_ENCODE)
            onnx.save(_decode(codebooks), folder / SEMANTIC_ID_DECODE)
        if reranker:
            write_reranker(folder)

    draft = BundleDraft(
        name=collection.name,
        dimension=dimension,
        metric="cosine",
        features=FeatureSpec(query=(feature,), item=(feature,)),
        vocabularies={},
        statistics={},
        semantic_id_codebooks=codebook_sizes,
        evaluation={},
        training={"seed": seed},
        queries_are=queries_are,
        rerankers=RerankerSpecs(cross_encoder=tiny_spec("title", ["title"]) if reranker else None),
        tokenizers=tiny_tokenizers() if reranker else {},
    )
    return write_bundle(collection, draft, write_files)


def residual_codec(codebooks: list[np.ndarray]) -> SemanticIdCodec:
    """A greedy residual quantizer with these codebooks, without a bundle."""
    space = SemanticIdSpace([len(codes) for codes in codebooks])
    with tempfile.TemporaryDirectory() as name:
        encode, decode = Path(name) / SEMANTIC_ID_ENCODE, Path(name) / SEMANTIC_ID_DECODE
        onnx.save(_encode(codebooks), encode)
        onnx.save(_decode(codebooks), decode)
        return SemanticIdCodec(OnnxSession(encode, SessionConfig()), OnnxSession(decode, SessionConfig()), space)


def _model(
    nodes: list[onnx.NodeProto], inputs: list[object], outputs: list[object], weights: Mapping[str, object]
) -> object:
    initializers = [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def _tower(table: np.ndarray) -> object:
    nodes = [
        helper.make_node("Gather", ["table", "title"], ["rows"]),
        helper.make_node("ReduceSum", ["rows", "axis"], ["bag"], keepdims=0),
        helper.make_node("LpNormalization", ["bag"], ["embedding"], axis=1, p=2),
    ]
    title = helper.make_tensor_value_info("title", TensorProto.INT64, ["batch", "length"])
    embedding = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", table.shape[1]])
    return _model(nodes, [title], [embedding], {"table": table, "axis": np.array([1])})


def _encode(codebooks: list[np.ndarray]) -> object:
    nodes: list[onnx.NodeProto] = []
    weights: dict[str, object] = {"axis": np.array([1])}
    residual = "embedding"
    for level, codes in enumerate(codebooks):
        name = f"{level}"
        weights |= {f"C{name}": codes, f"T{name}": 2 * codes.T, f"S{name}": (codes**2).sum(1)}
        nodes += [
            helper.make_node("MatMul", [residual, f"T{name}"], [f"dot{name}"]),
            helper.make_node("Sub", [f"dot{name}", f"S{name}"], [f"near{name}"]),
            helper.make_node("ArgMax", [f"near{name}"], [f"code{name}"], axis=1, keepdims=0),
            helper.make_node("Gather", [f"C{name}", f"code{name}"], [f"q{name}"]),
            helper.make_node("Sub", [residual, f"q{name}"], [f"r{name}"]),
            helper.make_node("Unsqueeze", [f"code{name}", "axis"], [f"column{name}"]),
        ]
        residual = f"r{name}"
    columns = [f"column{level}" for level in range(len(codebooks))]
    nodes.append(helper.make_node("Concat", columns, ["codes"], axis=1))
    embedding = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", codebooks[0].shape[1]])
    codes_out = helper.make_tensor_value_info("codes", TensorProto.INT64, ["batch", len(codebooks)])
    return _model(nodes, [embedding], [codes_out], weights)


def _decode(codebooks: list[np.ndarray]) -> object:
    nodes: list[onnx.NodeProto] = []
    weights: dict[str, object] = {}
    parts = []
    for level, codes in enumerate(codebooks):
        weights |= {f"C{level}": codes, f"i{level}": np.array(level)}
        nodes += [
            helper.make_node("Gather", ["codes", f"i{level}"], [f"code{level}"], axis=1),
            helper.make_node("Gather", [f"C{level}", f"code{level}"], [f"q{level}"]),
        ]
        parts.append(f"q{level}")
    nodes.append(helper.make_node("Sum", parts, ["embedding"]))
    codes_in = helper.make_tensor_value_info("codes", TensorProto.INT64, ["batch", len(codebooks)])
    embedding = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", codebooks[0].shape[1]])
    return _model(nodes, [codes_in], [embedding], weights)
