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
from bundle.session import SessionConfig
from bundle.store import open_bundle
from bundle.workspace import Workspace
from tests.training.tiny_model import WORDS, write_tiny_model
from training.config import TrainConfig
from training.device import repeatable
from training.epoch_hook import HookContext
from training.learn import Learner
from training.load import load
from training.rerankers.contract import TrainedReranker
from training.rerankers.cross_encoder import CrossEncoderRerankerConfig
from training.run import train

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
        "reranker": {
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
    measured, reranker = bundle.manifest.evaluation, bundle.reranker
    assert measured["reranker.queries"] == N
    assert measured["reranker.mrr@15"] > measured["reranker.towers.mrr@15"] > 0
    assert reranker is not None
    assert (reranker.query_columns, reranker.item_columns) == (("ask",), ("word", "year"))
    items = [{"word": word, "year": row} for row, word in enumerate(WORDS)]
    scores_QN = np.stack([reranker.score({"ask": f"big {word}"}, items) for word in WORDS])
    place_Q = (scores_QN > scores_QN.diagonal()[:, None]).sum(1)
    assert (place_Q < 3).mean() > 0.6  # a guess gives three of twenty


def test_equal_settings_give_the_same_scores_and_the_graph_has_them(base: Path, tmp_path: Path) -> None:
    config = validate_config(TrainConfig, settings(base / "model", steps=3), "test")
    assert config.reranker is not None
    dataset, split = load(config, base)
    learned = Learner(config, dataset, split, NoProgress(), base=base).learn()
    scores = []
    for _ in range(2):
        with repeatable(config.trainer.seed, config.trainer.threads, torch.device("cpu")):
            reranker = config.reranker.fit(learned.context)
        reranker.export(tmp_path / "reranker.onnx")
        served = reranker.spec.open(tmp_path / "reranker.onnx", reranker.tokenizers["tiny"], SessionConfig())
        scores.append(served.score({"ask": "big red"}, [{"word": word, "year": row} for row, word in enumerate(WORDS)]))
    np.testing.assert_array_equal(scores[0], scores[1])
    with torch.no_grad():
        rows_1N = np.arange(N, dtype=np.int64)[None]
        expected_1N = reranker.ranker.score(rows_1N[:, 0] + 2 * N, rows_1N).numpy()
    np.testing.assert_allclose(scores[0], expected_1N[0], atol=1e-5 * np.abs(expected_1N).max())


class Notes(NoProgress):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture(scope="module")
def context(base: Path) -> HookContext:
    config = validate_config(TrainConfig, settings(base / "model"), "test")
    return Learner(config, *load(config, base), NoProgress(), base=base).learn().context


def fitted(context: HookContext, model: Path, **changes: Any) -> TrainedReranker:
    given = settings(model, steps=60, head="tokens", **changes)["reranker"]
    with repeatable(0, 1, torch.device("cpu")):
        return validate_config(CrossEncoderRerankerConfig, given, "test").fit(context)


def found_first(reranker: TrainedReranker) -> float:
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
    reranker.export(tmp_path / "reranker.onnx")
    weights = [node.name for node in onnx.load(tmp_path / "reranker.onnx").graph.initializer]
    assert any("layer.0." in name for name in weights)
    assert not any("layer.1." in name for name in weights)


def test_what_a_request_could_not_give_is_refused(base: Path) -> None:
    with pytest.raises(ConfigError, match=r"reranker.query_columns names body, .* \(text, ask\)"):
        validate_config(TrainConfig, settings(base / "model", query_columns=["ask", "body"]), "test")
    with pytest.raises(ConfigError, match=r"add a section \[pretrained.tiny\]"):
        validate_config(
            TrainConfig,
            {**settings(base / "model"), "pretrained": {}},
            "test",
        )
