"""`/v1/embeddings` with MiniLM over HTTP, beside tokenizer and ONNX Runtime alone.

B texts, T tokens.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import orjson
from tokenizers import Tokenizer

from benchmarks.parts import Budget, Part
from benchmarks.report import Row, rows_of
from benchmarks.serving_parts.minilm_collection import NAME, minilm_collection, texts_of_tokens
from benchmarks.serving_parts.raw import Raw, measure_raw
from benchmarks.serving_parts.server import Server, milliseconds, serving
from bundle.errors import ConfigError
from bundle.store import QUERY_TOWER
from bundle.workspace import Collection
from index.store import list_versions, read_version

PATH, BATCH = "/v1/embeddings", 32
LENGTHS, N_TEXTS = (20, 128), 512
# Requests of each cell; a text of 128 tokens costs seven times one of 20.
CELLS = {"c1-b32": (1, BATCH), "c8-b1": (8, 1), "c1-b1": (1, 1)}


def measure(budget: Budget) -> list[Row]:
    """All rows; none, with the reason told, where the weights are not installed."""
    try:
        collection = minilm_collection(budget.cache)
    except (ConfigError, ImportError) as error:
        print(f"left out embeddings: {error}", file=sys.stderr)
        return []
    rows = []
    for n_tokens in LENGTHS[:1] if budget.quick else LENGTHS:
        n_texts = 128 if budget.quick else 1_280 if n_tokens == LENGTHS[0] else 384
        runs = [_run(collection, n_tokens, n_texts) for _ in range(budget.seeds)]
        for method in runs[0]:
            rows += rows_of(f"embeddings-minilm-{n_tokens}-tokens", method, [run[method] for run in runs])
    return rows


def _run(collection: Collection, n_tokens: int, n_texts: int) -> dict[str, dict[str, float]]:
    bound = RawMinilm(_bundle_folder(collection))
    texts = texts_of_tokens(bound.tokenizer, N_TEXTS, n_tokens)
    before, loads = _raws(bound, texts, n_texts), {}
    with serving(collection.folder.parents[1]) as server:
        _check(server, bound, texts)
        for name, (concurrency, batch) in CELLS.items():
            requests = server.requests(PATH, _bodies(texts, batch))
            server.closed_loop(requests, concurrency, max(8, n_texts // batch // 5))
            answers, cpu_us = server.closed_loop(requests, concurrency, n_texts // batch)
            loads[name] = {
                "cpu_us": cpu_us / batch,
                "texts_a_second": answers.qps * batch,
                **milliseconds(answers.latency_s),
            }
    after = _raws(bound, texts, n_texts)
    raw = {batch: Raw.mean([before[batch], after[batch]]) for batch in before}
    measures = {f"raw-b{batch}": _raw_measures(raw[batch], batch) for batch in raw}
    for name, load in loads.items():
        batch = CELLS[name][1]
        measures[f"http-{name}"] = load | {
            "cpu_ratio_to_raw": load["cpu_us"] / (raw[BATCH].cpu_us / BATCH),
            "cpu_ratio_to_raw_same_batch": load["cpu_us"] / (raw[batch].cpu_us / batch),
            "p50_ratio_to_raw_same_batch": load["p50_ms"] / raw[batch].p50_ms,
        }
    return measures


class RawMinilm:
    """The library `tokenizers` and ONNX Runtime over the graph of a bundle, one thread each, nothing around them."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = Tokenizer.from_file(str(next((folder / "tokenizers").glob("*.json"))))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(str(folder / QUERY_TOWER), options, ["CPUExecutionProvider"])
        self._name = self._session.get_inputs()[0].name

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Embeddings float32 [B, 384] of texts of equal length; the graph's ids are those of the tokenizer plus 1."""
        token_BT = np.array([one.ids for one in self.tokenizer.encode_batch_fast(list(texts))], dtype=np.int64) + 1
        embedding_BD: np.ndarray = self._session.run(None, {self._name: token_BT})[0]
        return embedding_BD


def _raws(bound: RawMinilm, texts: Sequence[str], n_texts: int) -> dict[int, Raw]:
    batches = {batch: [texts[i : i + batch] for i in range(0, N_TEXTS, batch)] for batch in (1, BATCH)}
    return {
        batch: measure_raw(lambda turn, parts=parts: bound(parts[turn % len(parts)]), n_texts // batch)  # type: ignore[misc]
        for batch, parts in batches.items()
    }


def _raw_measures(raw: Raw, batch: int) -> dict[str, float]:
    return {"cpu_us": raw.cpu_us / batch, "texts_a_second": raw.qps * batch, "p50_ms": raw.p50_ms}


def _bodies(texts: Sequence[str], batch: int) -> list[bytes]:
    parts = (texts[start : start + batch] for start in range(0, len(texts), batch))
    return [orjson.dumps({"model": NAME, "input": list(part), "encoding_format": "base64"}) for part in parts]


def _check(server: Server, bound: RawMinilm, texts: Sequence[str]) -> None:
    """Raise RuntimeError unless server and bound do the same work."""
    status, body = server.post(PATH, orjson.dumps({"model": NAME, "input": list(texts[:BATCH])}))
    if status != 200:
        raise RuntimeError(f"{PATH}: {status} {body[:500]!r}")
    answer = orjson.loads(body)
    served_BD = np.array([one["embedding"] for one in answer["data"]], dtype=np.float32)
    np.testing.assert_allclose(served_BD, bound(texts[:BATCH]), atol=1e-5)


def _bundle_folder(collection: Collection) -> Path:
    return collection.bundle(read_version(collection, list_versions(collection)[-1]).bundle_id)


EMBEDDINGS = Part(
    """
    all-MiniLM-L6-v2 in single precision from its package, exported by a training of no epochs; texts of 20 and of 128
    tokens, made of the tokenizer's whole words. `raw-b<n>`: the library `tokenizers` and ONNX Runtime over the same
    graph, n texts a call, one thread, not spinning, in process, measured before and after, mean taken.
    `http-c<n>-b<m>`: `/v1/embeddings`, base64, n connections, m texts a request. CPU time is of one text;
    `cpu_ratio_to_raw` is over that of the bound in calls of 32, `..._same_batch` over the bound in calls of m.
    `p50_ratio_to_raw_same_batch` of `http-c1-b1` is what an idle service adds to the latency. Targets: 1.15 with 32
    texts a request, 1.3 over 8 connections, and 1.2 for the idle latency.
    """,
    measure,
)
