"""A collection of package descriptions with a small cross-encoder to serve: 2 of MiniLM's 6 layers, a random head.

What scoring costs does not depend on what the weights learned. The towers sum hashed words and cost next to nothing.
B records, T n-grams, D embedding.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from onnx import TensorProto, helper, numpy_helper

from bundle.features import FeatureSpec, TextFeature
from bundle.rerankers.cross_encoder import CrossEncoderSpec
from bundle.store import RERANKER, BundleDraft, write_bundle
from bundle.workspace import Collection, Workspace
from index.build import build_index
from index.config import BuildConfig
from index.store import activate
from training.encoders.transformer import load_backbone
from training.pretrained import DEFAULT_MODEL, PretrainedConfig, PretrainedModels
from training.rankers.cross_encoder import CrossEncoder, export_cross_encoder

N_LAYERS, MAX_TOKENS = 2, 128
BUCKETS, DIMENSION = 4096, 64
NAME = "packages"


@dataclass(frozen=True)
class ServedPackages:
    """The collection, and the short descriptions that ask for the long ones."""

    collection: Collection
    queries: list[str]
    items: dict[str, str]


def prepare(root: Path, data: Path, n_items: int) -> ServedPackages:
    """Write and activate the collection below `root`; raises ConfigError when no package carries MiniLM."""
    table = pq.read_table(data / "debian-packages.parquet").slice(0, n_items)
    collection = Workspace(root).collection(NAME)
    write_small_bundle(collection)
    item_ids = [f"{row:06d}" for row in range(len(table))]
    texts = [str(text) for text in table["long_description"].to_pylist()]
    pq.write_table(pa.table({"item_id": item_ids, "text": texts}), root / "items.parquet")
    activate(collection, build_index(collection, BuildConfig(collection=NAME, items=root / "items.parquet")))
    queries = [str(text) for text in table["short_description"].to_pylist()]
    return ServedPackages(collection, queries, dict(zip(item_ids, texts, strict=True)))


def write_small_bundle(collection: Collection) -> str:
    """A bundle with word towers and the small cross-encoder; its id."""
    folder = PretrainedModels({DEFAULT_MODEL: PretrainedConfig()}).folder(DEFAULT_MODEL)
    feature = TextFeature(name="text", buckets=BUCKETS)
    table = np.random.default_rng(0).standard_normal((BUCKETS + 1, DIMENSION)).astype(np.float32)
    table[0] = 0

    def write_files(path: Path) -> None:
        for name in ("query_tower.onnx", "item_tower.onnx"):
            onnx.save(_tower(table), path / name)
        torch.manual_seed(0)
        backbone = load_backbone(folder)
        model: Any = backbone.model
        model.encoder.layer = model.encoder.layer[:N_LAYERS]
        example = folder.tokenizer.pairs(MAX_TOKENS)([("editor", "a small editor for text"), ("game", "chess")])
        export_cross_encoder(CrossEncoder(backbone, "mean"), example, path / RERANKER)

    draft = BundleDraft(
        name=collection.name,
        dimension=DIMENSION,
        metric="cosine",
        features=FeatureSpec(query=(feature,), item=(feature,)),
        vocabularies={},
        statistics={},
        semantic_id_codebooks=None,
        evaluation={},
        training={"benchmark": "rerank"},
        tokenizers={DEFAULT_MODEL: folder.tokenizer},
        reranker=CrossEncoderSpec(
            tokenizer=DEFAULT_MODEL, query_columns=("text",), item_columns=("text",), max_tokens=MAX_TOKENS
        ),
    )
    return write_bundle(collection, draft, write_files)


def _tower(table: np.ndarray) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Gather", ["table", "text"], ["rows"]),
        helper.make_node("ReduceSum", ["rows", "axis"], ["bag"], keepdims=0),
        helper.make_node("LpNormalization", ["bag"], ["embedding"], axis=-1, p=2),
    ]
    constants = {"table": table, "axis": np.array([1], dtype=np.int64)}
    inputs = [helper.make_tensor_value_info("text", TensorProto.INT64, ["B", "T"])]
    outputs = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["B", DIMENSION])]
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "bag", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
