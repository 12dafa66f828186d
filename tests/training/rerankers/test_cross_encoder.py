"""A run with a reranker: it learns, and scores in the bundle as in torch; settings that cannot be are refused."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from bundle.config import validate_config
from bundle.errors import ConfigError
from bundle.progress import NoProgress
from bundle.rerankers import RerankerSpecs
from bundle.rerankers.cross_encoder import FILE
from bundle.session import SessionConfig
from bundle.store import open_bundle
from bundle.workspace import Workspace
from tests.training.tiny_model import WORDS, write_tiny_model
from training.compare import compare
from training.config import TrainConfig
from training.device import repeatable
from training.epoch_hook import HookContext
from training.learn import Learner
from training.load import load
from training.rerank import RerankStep
from training.rerankers.contract import RerankerData
from training.rerankers.cross_encoder import CrossEncoderRerankerConfig, TrainedCrossEncoder
from training.run import train
from training.score import model_score

N = len(WORDS)


def write_words(folder: Path) -> None:
    """One item a word; a query asks for it with another word before. The towers see only its half of the alphabet."""
    items = {"item_id": WORDS, "title": [half(word) for word in WORDS], "word": WORDS, "year": list(range(N))}
    queries = {
        "query_id": [f"q{row}" for row in range(3 * N)],
        "text": [half(WORDS[row % N]) for row in range(3 * N)],
        "ask": [f"{('old', 'new', 'big')[row // N]} {WORDS[row % N]}" for row in range(3 * N)],
    }
    pairs = {
        "query_id": queries["query_id"],
        "item_id": [WORDS[row % N] for row in range(3 * N)],
        "split": ["train"] * (2 * N) + ["test"] * N,
    }
    for name, table in (("items", items), ("queries", queries), ("interactions", pairs)):
        pq.write_table(pa.table(table), folder / f"{name}.parquet")


def half(word: str) -> str:
    return "early" if word < "l" else "late"


def settings(model: Path, **reranker: Any) -> dict[str, Any]:
    return {
        "collection": "words",
        "data": {name: f"{name}.parquet" for name in ("items", "interactions", "queries")},
        "split": {"kind": "column"},
        "features": {
            "query": [{"kind": "text", "name": "text"}, {"kind": "category", "name": "ask"}],
            "item": [{"kind": "text", "name": "title"}],
        },
        "dimension": 8,
        "share_text": True,
        "trainer": {"epochs": 2, "batch_size": 32, "learning_rate": 0.01, "refit": "none"},
        "evaluation": {"exclude_seen": False},
        "pretrained": {"tiny": {"path": str(model)}},
        "rerankers": {
            "cross_encoder": {
                "model": "tiny",
                "query_columns": ["ask"],
                "item_columns": ["word", "year"],
                "max_tokens": 20,
                "steps": 200,
                "negatives": 5,
                "depth": 15,
                "relative_margin": None,
                "learning_rate": 5e-3,
                "pretrained_learning_rate": 5e-3,
                **reranker,
            }
        },
    }


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("words")
    write_tiny_model(folder / "model")
    write_words(folder)
    return folder


def test_a_trained_reranker_is_served_from_the_bundle_as_torch_scores(base: Path) -> None:
    config = validate_config(TrainConfig, settings(base / "model"), "test")
    collection = Workspace(base / "workspace").collection("words")
    result = train(config, base, collection, progress=NoProgress())
    bundle = open_bundle(collection, result.bundle_id)
    measured, reranker = bundle.manifest.evaluation, bundle.rerankers.cross_encoder
    assert measured["rerankers.cross_encoder.queries"] == N
    assert measured["rerankers.cross_encoder.mrr@15"] > measured["rerankers.cross_encoder.towers.mrr@15"] > 0
    assert reranker is not None
    assert (reranker.query_columns, reranker.item_columns) == (("ask",), ("word", "year"))
    items = [{"word": word, "year": row} for row, word in enumerate(WORDS)]
    scores_QN = np.stack([reranker.score({"ask": f"big {word}"}, items) for word in WORDS])
    place_Q = (scores_QN > scores_QN.diagonal()[:, None]).sum(1)
    assert (place_Q < 3).mean() > 0.6  # a guess gives three of twenty


def test_equal_settings_give_the_same_scores_and_the_graph_has_them(base: Path, tmp_path: Path) -> None:
    config = validate_config(TrainConfig, settings(base / "model", steps=3), "test")
    assert config.rerankers.cross_encoder is not None
    dataset, split = load(config, base)
    learned = Learner(config, dataset, split, NoProgress(), base=base).learn()
    comparison = compare(
        config,
        dataset,
        split,
        learned.features.query,
        lambda queries: model_score(learned.model, queries, learned.items, torch.device("cpu")),
    )
    step = RerankStep(config, dataset, split, learned, comparison, None)
    scores = []
    for _ in range(2):
        (reranking,) = step.run()
        reranking.trained.export(tmp_path)
        parts = reranking.trained.parts
        served = RerankerSpecs.model_validate({"cross_encoder": parts.spec}).open(
            tmp_path, parts.tokenizers, {}, SessionConfig()
        )
        assert served.cross_encoder is not None
        items = [{"word": word, "year": row} for row, word in enumerate(WORDS)]
        scores.append(served.cross_encoder.score({"ask": "big red"}, items))
    np.testing.assert_array_equal(scores[0], scores[1])
    place = comparison.queries.query_rows_Q.tolist().index(2 * N + WORDS.index("red"))
    expected_N = reranking.trained.scorer(step.test())(place, np.arange(N, dtype=np.int64))
    np.testing.assert_allclose(scores[0], expected_N, atol=1e-5 * np.abs(expected_N).max())


class Notes(NoProgress):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture(scope="module")
def context(base: Path) -> HookContext:
    config = validate_config(TrainConfig, settings(base / "model"), "test")
    return Learner(config, *load(config, base), NoProgress(), base=base).learn().context


def _unread(*_: object) -> Any:
    pytest.fail("it reads no held-out part")


def fitted(context: HookContext, model: Path, **changes: Any) -> TrainedCrossEncoder:
    given = settings(model, steps=60, head="tokens", **changes)["rerankers"]["cross_encoder"]
    data = RerankerData(context, _unread, _unread, np.zeros(0, np.int64), False, None)
    with repeatable(0, 1, torch.device("cpu")):
        return validate_config(CrossEncoderRerankerConfig, given, "test").fit(data)


def found_first(reranker: TrainedCrossEncoder) -> float:
    """Share of the test queries whose own word scores highest of all."""
    rows_N = np.arange(N, dtype=np.int64)
    with torch.no_grad():
        score_QN = reranker.ranker.score(rows_N + 2 * N, np.tile(rows_N, (N, 1)))
    return float((score_QN.argmax(1).numpy() == rows_N).mean())


@pytest.mark.parametrize("kind", ["pointwise", "pairwise", "joint"])
def test_every_objective_trains_it(base: Path, context: HookContext, kind: str) -> None:
    reranker = fitted(context, base / "model", objective={"kind": kind}, schedule="linear", warmup=0.1)
    assert found_first(reranker) > 0.7


def test_a_student_is_exported_in_the_place_of_its_teacher(base: Path, context: HookContext, tmp_path: Path) -> None:
    notes = Notes()
    student = {"layers": 1, "steps": 60, "objective": "kl"}
    reranker = fitted(replace(context, progress=notes), base / "model", student=student)
    (note,) = (note for note in notes.notes if "student" in note)
    after, before = map(float, re.findall(r"0\.\d+", note))
    assert after > before
    assert found_first(reranker) > 0.7
    reranker.export(tmp_path)
    weights = [node.name for node in onnx.load(tmp_path / FILE).graph.initializer]
    assert any("layer.0." in name for name in weights)
    assert not any("layer.1." in name for name in weights)


def test_what_a_request_could_not_give_is_refused(base: Path) -> None:
    with pytest.raises(ConfigError, match=r"rerankers.cross_encoder.query_columns names body, .* \(text, ask\)"):
        validate_config(TrainConfig, settings(base / "model", query_columns=["ask", "body"]), "test")
    with pytest.raises(ConfigError, match=r"add a section \[pretrained.tiny\]"):
        validate_config(
            TrainConfig,
            {**settings(base / "model"), "pretrained": {}},
            "test",
        )
