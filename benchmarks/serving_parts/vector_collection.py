"""A collection of given vectors: clustered ones, two towers that only bring them to unit length, and an HNSW graph.

N corpus, B records, D embedding.
"""

from pathlib import Path

import onnx
import pyarrow as pa
import pyarrow.parquet as pq
from onnx import TensorProto, helper

from benchmarks.index_parts.clustered import FloatArray, Mixture
from bundle.features import FeatureSpec, VectorFeature
from bundle.store import ITEM_TOWER, QUERY_TOWER, BundleDraft, write_bundle
from bundle.workspace import Collection, Workspace
from index.build import build_index
from index.config import BuildConfig
from index.kinds.hnsw import HnswKind
from index.manifest import FORMAT_VERSION, IndexManifest
from index.store import activate, list_versions, read_version

NAME, FEATURE = "bench", "vector"
SEARCH_PATH = f"/v1/collections/{NAME}/search"
TARGET_RECALL = 0.95
# The graph that other engines were measured with, and the least ef_search: a build doubles it until the target is met.
LEAST_EF = HnswKind(m=16, ef_construction=100, ef_search=16)
N_QUERIES = 2_000


def vector_collection(
    cache: Path, count: int, dimension: int, id_prefixes: tuple[str, ...] = ("item",), kind: HnswKind = LEAST_EF
) -> Collection:
    """The collection, kept in `cache`, with one index version for each prefix of item ids; the first is active.

    Every version holds the same vectors. Its `ef_search` is that of `kind`, doubled until an index recall@10 of .95 is
    reached on held-back queries.
    """
    root = cache / f"vectors-{count}-{dimension}-m-{kind.m}-ef-{kind.ef_search}-format-{FORMAT_VERSION}"
    collection = Workspace(root).collection(NAME)
    vectors_ND = Mixture(dimension).draw(count, seed=1)
    if not list_versions(collection):
        root.mkdir(parents=True, exist_ok=True)
        _write_bundle(collection, dimension)
        pq.write_table(pa.table({FEATURE: _column(queries(dimension, 500, seed=3))}), root / "queries.parquet")
    for prefix in id_prefixes[len(list_versions(collection)) :]:
        items = root / f"{prefix}.parquet"
        ids = [f"{prefix}-{row:06d}" for row in range(count)]
        pq.write_table(pa.table({"item_id": ids, FEATURE: _column(vectors_ND)}), items)
        config = BuildConfig(
            collection=NAME,
            items=items,
            kind=kind,
            target_recall=TARGET_RECALL,
            queries=root / "queries.parquet",
            attributes=(),
        )
        build_index(collection, config)
    activate(collection, list_versions(collection)[0])
    return collection


def queries(dimension: int, count: int = N_QUERIES, seed: int = 2) -> FloatArray:
    """Queries of the same mixture that are not in the corpus, float32 [count, D]."""
    return Mixture(dimension).draw(count, seed)


def manifest_of(collection: Collection) -> IndexManifest:
    """The manifest of the first version."""
    return read_version(collection, list_versions(collection)[0])


def _column(vectors_ND: FloatArray) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(vectors_ND.ravel()), vectors_ND.shape[1])


def _write_bundle(collection: Collection, dimension: int) -> None:
    feature = VectorFeature(name=FEATURE, dimension=dimension)

    def write_files(folder: Path) -> None:
        for name in (QUERY_TOWER, ITEM_TOWER):
            onnx.save(_unit_length(dimension), folder / name)

    draft = BundleDraft(
        name=collection.name,
        dimension=dimension,
        metric="cosine",
        features=FeatureSpec(query=(feature,), item=(feature,)),
        vocabularies={},
        statistics={},
        semantic_id_codebooks=None,
        evaluation={},
        training={"benchmark": "serving"},
    )
    write_bundle(collection, draft, write_files)


def _unit_length(dimension: int) -> onnx.ModelProto:
    node = helper.make_node("LpNormalization", [FEATURE], ["embedding"], axis=-1, p=2)
    given = helper.make_tensor_value_info(FEATURE, TensorProto.FLOAT, ["B", dimension])
    embedding = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["B", dimension])
    graph = helper.make_graph([node], "tower", [given], [embedding])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
