"""A collection of texts: generated items with titles, and a text tower of the default shape, written by hand.

The cost of a request does not depend on what the weights learned, so they are random: hashed n-grams, weighted sum,
residual layer, unit length. B records, T n-grams, D embedding.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import orjson
import pyarrow as pa
import pyarrow.parquet
from onnx import TensorProto, helper, numpy_helper

from bundle.features import FeatureSpec, TextFeature
from bundle.store import BundleDraft, write_bundle
from bundle.workspace import Collection, Workspace
from index.build import build_index
from index.config import BuildConfig
from index.kinds import IndexKind
from index.manifest import FORMAT_VERSION
from index.store import activate, list_versions

NAME = "bench"
SEARCH_PATH = f"/v1/collections/{NAME}/search"
BUCKETS = 65_536
HIDDEN = 256


def titles(count: int, seed: int, words: int = 5) -> list[str]:
    """Titles of `words` words drawn from 20,000 made-up words with frequencies as in natural text (Zipf)."""
    random = np.random.default_rng(seed)
    letters = np.array(list("etaoinshrdlucmfwypvbgk"))
    vocabulary = np.array(["".join(np.random.default_rng(w).choice(letters, 4 + w % 6)) for w in range(20_000)])
    weight = 1 / np.arange(1, len(vocabulary) + 1)
    drawn = random.choice(len(vocabulary), size=(count, words), p=weight / weight.sum())
    return [" ".join(vocabulary[row]) for row in drawn]


def text_collection(cache: Path, count: int, kind: IndexKind, dimension: int = 128) -> Collection:
    """The collection, kept in `cache`, with one active index version of `kind`."""
    root = cache / f"texts-{count}-{dimension}-{kind.kind}-format-{FORMAT_VERSION}"
    collection = Workspace(root).collection(NAME)
    if not list_versions(collection):
        root.mkdir(parents=True, exist_ok=True)
        items = root / "items.parquet"
        table = pa.table({"item_id": [f"item-{i:06d}" for i in range(count)], "title": titles(count, seed=1)})
        pyarrow.parquet.write_table(table, items)
        _write_bundle(collection, dimension)
        build_index(collection, BuildConfig(collection=NAME, items=items, kind=kind))
    activate(collection, list_versions(collection)[-1])
    return collection


def text_bodies(count: int, k: int) -> list[bytes]:
    """Search requests for titles that no item has."""
    return [orjson.dumps({"queries": [{"text": title}], "k": k}) for title in titles(count, seed=2)]


def _write_bundle(collection: Collection, dimension: int) -> None:
    random = np.random.default_rng(0)
    table = random.standard_normal((BUCKETS + 1, dimension)).astype(np.float32)
    weights = {
        "table": table,
        "idf": random.uniform(0.5, 2, (BUCKETS + 1, 1)).astype(np.float32),
        "w1": (random.standard_normal((dimension, HIDDEN)) / dimension**0.5).astype(np.float32),
        "w2": (random.standard_normal((HIDDEN, dimension)) / HIDDEN**0.5).astype(np.float32),
        "axis": np.array([1], dtype=np.int64),
    }
    weights["idf"][0] = 0  # the padding row

    def write_files(folder: Path) -> None:
        onnx.save(_tower("text", weights), folder / "query_tower.onnx")
        onnx.save(_tower("title", weights), folder / "item_tower.onnx")

    query, item = TextFeature(name="text", buckets=BUCKETS), TextFeature(name="title", buckets=BUCKETS)
    draft = BundleDraft(
        name=collection.name,
        dimension=dimension,
        metric="cosine",
        features=FeatureSpec(query=(query,), item=(item,)),
        vocabularies={},
        statistics={},
        semantic_id_codebooks=None,
        evaluation={},
        training={"benchmark": "serving"},
    )
    write_bundle(collection, draft, write_files)


def _tower(feature: str, weights: dict[str, npt.NDArray[np.generic]]) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Gather", ["table", feature], ["rows"]),
        helper.make_node("Gather", ["idf", feature], ["weight"]),
        helper.make_node("Mul", ["rows", "weight"], ["weighted"]),
        helper.make_node("ReduceSum", ["weighted", "axis"], ["bag"], keepdims=0),
        helper.make_node("MatMul", ["bag", "w1"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("MatMul", ["active", "w2"], ["change"]),
        helper.make_node("Add", ["bag", "change"], ["sum"]),
        helper.make_node("LpNormalization", ["sum"], ["embedding"], axis=-1, p=2),
    ]
    width = weights["table"].shape[1]
    inputs = [helper.make_tensor_value_info(feature, TensorProto.INT64, ["B", "T"])]
    outputs = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["B", width])]
    initializers = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "tower", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
