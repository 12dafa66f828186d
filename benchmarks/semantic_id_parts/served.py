"""What semantic IDs cost in the service beside their graphs alone, and whether it gives the codes of the training.

N items, B records of one request, D embedding, L levels.
"""

import base64
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from benchmarks.debian_data import debian_synopsis
from benchmarks.parts import Budget, Part
from benchmarks.report import Row
from benchmarks.serving_parts.server import Server, serving
from benchmarks.text_vectors import minilm_vectors
from bundle.config import validate_config
from bundle.progress import NoProgress
from bundle.quantizer import SemanticIdCodec
from bundle.store import open_bundle
from bundle.workspace import Collection, Workspace
from index.build import build_index
from index.config import BuildConfig
from index.store import activate
from index.version import open_version
from training.config import TrainConfig
from training.dataset import load_dataset
from training.learn import Learner
from training.model import embed
from training.quantizers.contract import QuantizerData
from training.quantizers.residual import ResidualConfig
from training.ragged import FloatArray, IntArray
from training.run import train
from training.semantic_ids import fit_semantic_ids

PROTOCOL = """
The MiniLM vectors of 10,708 Debian descriptions are a `vector` feature of an item tower (384 in, 384 out, the first
weights of the seed), and a residual quantizer of 3 x 256 codes its embeddings. `codes`: share of items whose full code
from the running service equals the training's, by given embeddings, by records (through the ONNX tower) and as stored
in the index. `cost`: user and system time of the one-worker server for a record that is encoded (embedding in, codes
out) and one that is decoded (codes in, items out), over 8 connections, by the form of the embeddings and the number of
records in a request. `raw` is the CPU time of the two ONNX graphs alone, in one process, one thread, on the same
batches, measured before and after. The target is a ratio of 2 at 128 records.
"""
COLLECTION, CONNECTIONS = "served", 8
BATCHES = (1, 8, 32, 128)
POSTED = 256  # records of one request where all items are sent
QUANTIZER = ResidualConfig()
Answer = dict[str, Any]


def measure(budget: Budget) -> list[Row]:
    """Equal codes, and cost beside the graphs alone, a training and a server for each seed."""
    task = debian_synopsis(budget.data)
    vectors_ND = minilm_vectors(task.document_texts(task.exams["test"]), budget.cache)
    runs = []
    for seed in range(budget.seeds):
        with tempfile.TemporaryDirectory() as folder:
            runs.append(_measure(Path(folder), vectors_ND, seed, 4_000 if budget.quick else 16_000))
    return [_mean(rows) for rows in zip(*runs, strict=True)]


def _measure(root: Path, vectors_ND: FloatArray, seed: int, n_records: int) -> list[Row]:
    config = _tables(root, vectors_ND, seed)
    collection = Workspace(root).collection(COLLECTION)
    result = train(config, root, collection, progress=NoProgress())
    version = build_index(collection, BuildConfig(collection=COLLECTION, items=root / "items.parquet"))
    activate(collection, version)
    trained = _trained(config, root)
    codec = _codec(collection, result.bundle_id)
    embedding_ND = np.array(open_version(collection, version).role("similar").vectors_ND)
    with serving(root) as server:
        sources = {
            "embeddings": ("vectors", trained.embedding_ND.tolist()),
            "records": ("records", [{"text": vector} for vector in vectors_ND.tolist()]),
            "stored": ("item_ids", _ids(len(vectors_ND))),
        }
        rows = [_equal(server, name, field, values, trained.code_NL) for name, (field, values) in sources.items()]
        for batch in BATCHES:
            rows += _cost(server, codec, _Load(embedding_ND, trained.code_NL, batch, n_records))
    return rows


def _codec(collection: Collection, bundle_id: str) -> SemanticIdCodec:
    codec = open_bundle(collection, bundle_id).semantic_ids
    if codec is None:
        raise RuntimeError("the training wrote no quantizer")
    return codec


def _tables(root: Path, vectors_ND: FloatArray, seed: int) -> TrainConfig:
    """Write the tables of a training that learns nothing but the codes; its config."""
    ids = _ids(len(vectors_ND))
    text = pa.FixedSizeListArray.from_arrays(pa.array(vectors_ND.ravel()), vectors_ND.shape[1])
    pq.write_table(pa.table({"item_id": ids, "text": text}), root / "items.parquet")
    pairs = [(f"q{row % 40}", ids[row], "train" if row % 10 else "test") for row in range(400)]
    columns = dict(zip(("query_id", "item_id", "split"), map(list, zip(*pairs, strict=True)), strict=True))
    pq.write_table(pa.table(columns), root / "interactions.parquet")
    width = vectors_ND.shape[1]
    settings = {
        "collection": COLLECTION,
        "data": {"items": "items.parquet", "interactions": "interactions.parquet"},
        "split": {"kind": "column"},
        "features": {
            "query": [{"kind": "category", "name": "query_id"}],
            "item": [{"kind": "vector", "name": "text", "dimension": width}],
        },
        "dimension": width,
        "trainer": {"epochs": 0, "seed": seed},
        "quantizer": QUANTIZER.model_dump(),
    }
    return validate_config(TrainConfig, settings, "served")


def _ids(count: int) -> list[str]:
    return [f"p{row:05d}" for row in range(count)]


@dataclass(frozen=True)
class _Trained:
    embedding_ND: FloatArray
    code_NL: IntArray


def _trained(config: TrainConfig, root: Path) -> _Trained:
    """What `train` computed on its way: equal settings give equal weights and codes."""
    dataset = load_dataset(config.data, root)
    learned = Learner(config, dataset, config.split.split(dataset), NoProgress()).learn()
    embedding_ND = embed(learned.model.item, learned.items, torch.device("cpu"))
    trainer = config.trainer
    fitted = fit_semantic_ids(QUANTIZER, QuantizerData(embedding_ND), trainer.seed, trainer.threads)
    return _Trained(embedding_ND, fitted.code_NL)


def _equal(server: Server, name: str, field: str, values: Sequence[Any], code_NL: IntArray) -> Row:
    served: list[list[int]] = []
    for start in range(0, len(values), POSTED):
        answer = _post(server, {field: values[start : start + POSTED]})
        served += [one["codes"] for one in answer["semantic_ids"]]
    return Row("codes", name, "equal", share_equal(np.array(served), code_NL))


def share_equal(served_NL: IntArray, code_NL: IntArray) -> float:
    """Share of rows whose codes are equal at all levels."""
    return float((served_NL == code_NL).all(axis=1).mean())


def _post(server: Server, body: Mapping[str, Any]) -> Answer:
    status, content = server.post(_path(), orjson.dumps(body))
    if status != 200:
        raise RuntimeError(f"the server answered {status}: {content[:500]!r}")
    answer: Answer = orjson.loads(content)
    return answer


def _path() -> str:
    return f"/v1/collections/{COLLECTION}/semantic-ids"


@dataclass(frozen=True)
class _Load:
    """Embeddings and codes cut into requests of `batch` records, `n_records` together."""

    embedding_ND: FloatArray
    code_NL: IntArray
    batch: int
    n_records: int

    @property
    def n_requests(self) -> int:
        """A multiple of the connections."""
        return max(1, self.n_records // self.batch // CONNECTIONS) * CONNECTIONS

    def parts(self, rows: np.ndarray) -> list[np.ndarray]:
        """The requests' shares of `rows`, over and over from the start."""
        whole = len(rows) // self.batch
        return [rows[(i % whole) * self.batch :][: self.batch] for i in range(min(whole, self.n_requests))]


def _cost(server: Server, codec: SemanticIdCodec, load: _Load) -> list[Row]:
    encode, decode = load.parts(load.embedding_ND), load.parts(load.code_NL)
    raws = [_raw(codec, encode, decode)]
    decoded_us = _served(server, "semantic_ids", decode, load)
    forms = {
        "numbers": _served(server, "vectors", encode, load),
        "base64": _served(server, "vectors", [list(map(_base64, part)) for part in encode], load),
    }
    raws.append(_raw(codec, encode, decode))
    raw_us, task = statistics.mean(raws), "cost"
    rows = []
    for form, encoded_us in forms.items():
        method = f"{form}-{load.batch}"
        rows += [
            Row(task, method, "encode_cpu_us", encoded_us, unit="us"),
            Row(task, method, "decode_cpu_us", decoded_us, unit="us"),
            Row(task, method, "raw_cpu_us", raw_us, unit="us"),
            Row(task, method, "cpu_ratio_to_raw", (encoded_us + decoded_us) / raw_us),
        ]
    return rows


def _served(server: Server, field: str, parts: Sequence[Any], load: _Load) -> float:
    """CPU microseconds of the server for a record of these requests."""
    bodies = [orjson.dumps({field: part}, option=orjson.OPT_SERIALIZE_NUMPY) for part in parts]
    requests = server.requests(_path(), bodies)
    server.closed_loop(requests, CONNECTIONS, CONNECTIONS * 5)
    _, cpu_us = server.closed_loop(requests, CONNECTIONS, load.n_requests)
    return cpu_us / load.batch


def _base64(embedding_D: FloatArray) -> str:
    return base64.b64encode(embedding_D.tobytes()).decode()


def _raw(codec: SemanticIdCodec, encode: list[FloatArray], decode: list[IntArray]) -> float:
    """CPU microseconds of a record in both graphs."""
    return _cpu_us(codec.encode, encode) + _cpu_us(codec.decode, decode)


def _cpu_us(run: Callable[[Any], Any], parts: list[np.ndarray]) -> float:
    run(parts[0])
    before = time.process_time()
    for part in parts:
        run(part)
    return (time.process_time() - before) / sum(map(len, parts)) * 1e6


def _mean(rows: Sequence[Row]) -> Row:
    first = rows[0]
    return Row.of(f"served-{first.task}", first.method, first.metric, [row.value for row in rows], first.unit)


SERVED = Part(PROTOCOL, measure)
