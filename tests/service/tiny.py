"""A bundle whose graphs are written by hand: text towers that sum rows of a random table, two-level semantic IDs.

B records, T n-grams, D embedding.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
import pyarrow as pa
import pyarrow.parquet
from onnx import TensorProto, helper, numpy_helper

from bundle.features import FeatureSpec, TextFeature
from bundle.store import BundleDraft, write_bundle
from bundle.workspace import Collection
from index.build import build_index
from index.config import BuildConfig
from index.kinds import IndexKind
from index.store import activate
from tests.tiny_reranker import tiny_spec, tiny_tokenizers, write_reranker

DIMENSION = 8
BUCKETS = 512
CODEBOOKS = (4, 4)
WORDS = ("red", "blue", "green", "mug", "lamp", "chair", "small", "large", "old", "new", "glass", "wood")


def write_tiny_bundle(
    collection: Collection,
    seed: int = 0,
    dimension: int = DIMENSION,
    *,
    semantic_ids: bool = True,
    buckets: int = BUCKETS,
    queries_are: Literal["queries", "items"] = "queries",
    asking: str = "text",
    reranker: Sequence[str] = (),
    reranker_fails: bool = False,
    widths: Sequence[int] = (),
) -> str:
    """Write a bundle with the query feature `asking` and the item feature `title`; other seeds give other towers.

    Where queries are items the query tower has a table of its own. `reranker`: fields of an item that it reads, if any;
    `reranker_fails`: at some words, see tests/tiny_reranker.py.
    With `widths` it says that Matryoshka trained them.
    """
    table = np.random.default_rng(seed).standard_normal((buckets + 1, dimension)).astype(np.float32)
    table[0] = 0
    query_table = table[:, ::-1].copy() if queries_are == "items" else table

    def write_files(folder: Path) -> None:
        onnx.save(_tower(asking, query_table), folder / "query_tower.onnx")
        onnx.save(_tower("title", table), folder / "item_tower.onnx")
        if semantic_ids:
            onnx.save(_encode(dimension), folder / "semantic_id_encode.onnx")
            onnx.save(_decode(dimension), folder / "semantic_id_decode.onnx")
        if reranker:
            write_reranker(folder, fails=reranker_fails)

    spec = FeatureSpec(
        query=(TextFeature(name=asking, buckets=buckets),), item=(TextFeature(name="title", buckets=buckets),)
    )
    draft = BundleDraft(
        name=collection.name,
        dimension=dimension,
        metric="cosine",
        features=spec,
        vocabularies={},
        statistics={},
        semantic_id_codebooks=CODEBOOKS if semantic_ids else None,
        evaluation={},
        training={"seed": seed, "objective": {"kind": "matryoshka", "dims": list(widths)}}
        if widths
        else {"seed": seed},
        queries_are=queries_are,
        reranker=tiny_spec(asking, reranker) if reranker else None,
        tokenizers=tiny_tokenizers() if reranker else {},
    )
    return write_bundle(collection, draft, write_files)


def titles(count: int, seed: int = 0) -> list[str]:
    """Titles of three words, some of which repeat."""
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, size=3)) for _ in range(count)]


def build_tiny_index(
    collection: Collection,
    folder: Path,
    item_ids: Sequence[str],
    bundle: str | None = None,
    kind: IndexKind | None = None,
    **settings: Any,
) -> str:
    """Build an index version over `item_ids`, with more `settings` of the build; its name."""
    path = folder / f"{collection.name}-{item_ids[0]}.parquet"
    count = len(item_ids)
    table = pa.table({"item_id": list(item_ids), "title": titles(count), "price": [float(i) for i in range(count)]})
    pyarrow.parquet.write_table(table, path)
    config = BuildConfig(collection=collection.name, items=path, bundle=bundle, kind=kind, **settings)
    return build_index(collection, config)


def make_collection(collection: Collection, folder: Path, count: int = 50, prefix: str = "a") -> tuple[str, str]:
    """A collection that serves `count` items named by `prefix`; bundle id and index version."""
    bundle_id = write_tiny_bundle(collection)
    version = build_tiny_index(collection, folder, ids(prefix, count), bundle_id)
    activate(collection, version)
    return bundle_id, version


def ids(prefix: str, count: int) -> list[str]:
    """Item ids that begin with `prefix`."""
    return [f"{prefix}-{i:05d}" for i in range(count)]


def _tower(feature: str, table: np.ndarray) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Gather", ["table", feature], ["rows"]),
        helper.make_node("ReduceSum", ["rows", "axis"], ["summed"], keepdims=0),
        helper.make_node("LpNormalization", ["summed"], ["embedding"], axis=-1, p=2),
    ]
    constants = {"table": table, "axis": np.array([1], dtype=np.int64)}
    inputs = [helper.make_tensor_value_info(feature, TensorProto.INT64, ["B", "T"])]
    outputs = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["B", table.shape[1]])]
    return _model(nodes, inputs, outputs, constants)


def _encode(dimension: int) -> onnx.ModelProto:
    """Code of level l: the largest of the l-th group of four numbers."""
    nodes = []
    for level, size in enumerate(CODEBOOKS):
        nodes += [
            helper.make_node("Slice", ["embedding", f"start{level}", f"end{level}", "one"], [f"part{level}"]),
            helper.make_node("ArgMax", [f"part{level}"], [f"code{level}"], axis=1, keepdims=1),
        ]
        assert size == 4
    nodes.append(helper.make_node("Concat", [f"code{level}" for level in range(len(CODEBOOKS))], ["codes"], axis=1))
    constants = {"one": np.array([1], dtype=np.int64)}
    for level in range(len(CODEBOOKS)):
        constants[f"start{level}"] = np.array([4 * level], dtype=np.int64)
        constants[f"end{level}"] = np.array([4 * level + 4], dtype=np.int64)
    inputs = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["B", dimension])]
    outputs = [helper.make_tensor_value_info("codes", TensorProto.INT64, ["B", len(CODEBOOKS)])]
    return _model(nodes, inputs, outputs, constants)


def _decode(dimension: int) -> onnx.ModelProto:
    rows = np.eye(4, dimension, dtype=np.float32)
    nodes = [
        helper.make_node("Gather", ["rows", "codes"], ["parts"]),
        helper.make_node("ReduceSum", ["parts", "axis"], ["embedding"], keepdims=0),
    ]
    inputs = [helper.make_tensor_value_info("codes", TensorProto.INT64, ["B", len(CODEBOOKS)])]
    outputs = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["B", dimension])]
    return _model(nodes, inputs, outputs, {"rows": rows, "axis": np.array([1], dtype=np.int64)})


def _model(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    constants: dict[str, np.ndarray],
) -> onnx.ModelProto:
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model
