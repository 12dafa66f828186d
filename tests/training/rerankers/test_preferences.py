"""Preferences as an auxiliary objective: by hand, without what is held out, and they move the order they speak of."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bundle.config import validate_config
from bundle.errors import ConfigError
from bundle.progress import NoProgress
from tests.training.rerankers.test_cross_encoder import N, fitted, settings, write_words
from tests.training.small_data import ints
from tests.training.tiny_model import write_tiny_model
from training.config import TrainConfig
from training.epoch_hook import HookContext
from training.errors import BadData
from training.learn import Learner
from training.load import load
from training.preferences import Preferences
from training.ragged import FloatArray
from training.rerankers.preferences import PreferencesConfig, preference_loss


def given(query: list[int], better: list[int], worse: list[int], weight: list[float] | None = None) -> Preferences:
    weight_N = np.ones(len(query), dtype=np.float32) if weight is None else np.array(weight, dtype=np.float32)
    return Preferences(ints(*query), ints(*better), ints(*worse), weight_N)


def with_table(base: Path, **reranker: Any) -> dict[str, Any]:
    raw = settings(base / "model", **reranker)
    return {**raw, "data": {**raw["data"], "preferences": "preferences.csv"}}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("words")
    write_tiny_model(folder / "model")
    write_words(folder)
    (folder / "preferences.csv").write_text("query_id,better_id,worse_id\nq0,blue,red\n")
    return folder


@pytest.fixture(scope="module")
def context(base: Path) -> HookContext:
    config = validate_config(TrainConfig, with_table(base, preferences={}), "test")
    return Learner(config, *load(config, base), NoProgress(), base=base).learn().context


def test_the_loss_by_hand() -> None:
    """softplus(-1) = 0.313262 and softplus(2) = 2.126928, the second with three times the weight."""
    score = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    loss = preference_loss(score, np.array([1, 3], dtype=np.float32))
    assert loss.item() == pytest.approx((0.313262 + 3 * 2.126928) / 4, abs=1e-6)
    assert preference_loss(score, np.zeros(2, dtype=np.float32)).item() == 0


def test_preferences_move_the_order_that_they_speak_of(base: Path, context: HookContext) -> None:
    """Of two items that no interaction tells apart for a query of the test part, the preferred one goes first."""
    query, better, worse = (
        list(range(2 * N, 3 * N)),
        [(row + 7) % N for row in range(N)],
        [(row + 3) % N for row in range(N)],
    )

    def order(preferences: Preferences | None) -> FloatArray:
        options: dict[str, Any] = {"preferences": {"weight": 1.0}} if preferences else {}
        told = replace(context, dataset=replace(context.dataset, preferences=preferences))
        ranker = fitted(told, base / "model", **options).ranker
        with torch.no_grad():
            score_Q2: FloatArray = ranker.score(ints(*query), np.array([better, worse]).T).numpy()
        return score_Q2[:, 0] - score_Q2[:, 1]

    told, untold = order(given(query, better, worse)), order(None)
    assert (untold > 0).mean() < 0.8
    assert (told > 0).mean() > 0.9
    assert (told > untold).mean() > 0.9


def test_what_is_held_out_or_without_weight_teaches_nothing(context: HookContext) -> None:
    held = 2 * N + 1  # its own word is a pair of the test part
    table = given([0, held, held, 0], [1, 1, 5, 2], [2, 4, 1, 3], [1, 1, 1, 0])
    loss = PreferencesConfig().build(replace(context, dataset=replace(context.dataset, preferences=table)))
    assert (loss.held_out, loss.preferences.query_N.tolist(), loss.preferences.better_N.tolist()) == (2, [0], [1])
    nothing = replace(context, dataset=replace(context.dataset, preferences=table.select(table.query_N == held)))
    with pytest.raises(BadData, match="none of the 2 preferences can be learned from: 2 speak of pairs that"):
        PreferencesConfig().build(nothing)
    absent = replace(context, dataset=replace(context.dataset, preferences=None))
    with pytest.raises(BadData, match="name it as data.preferences"):
        PreferencesConfig().build(absent)


def test_a_table_that_nobody_reads_and_a_reader_without_a_table_are_refused(base: Path) -> None:
    with pytest.raises(ConfigError, match=r"data.preferences is given, but nothing reads it"):
        validate_config(TrainConfig, with_table(base), "test")
    with pytest.raises(
        ConfigError, match=r"rerankers.cross_encoder.preferences needs a table; name it as data.preferences"
    ):
        validate_config(TrainConfig, settings(base / "model", preferences={}), "test")
