"""The ranker that trains against what the towers mine, in a few rounds of a whole run."""

import copy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from bundle.config import validate_config
from tests.training.hook_world import CPU, context_of, learn_and_resume, point_dataset, point_settings, points
from tests.training.small_data import small_dataset
from tests.training.tiny_model import WORDS, write_tiny_model
from tests.training.world import shop_settings, write_shop
from training.config import TrainConfig
from training.dataset import Dataset, load_dataset
from training.epoch_hook import HookContext
from training.mining.miner import HardNegativesConfig, Mined, Miner
from training.model import embed
from training.pretrained import PretrainedConfig, PretrainedModels
from training.rankers.cross_encoder import CrossEncoderConfig
from training.teachers.adversarial import RankerTeacher, RankerTeacherConfig

AR2: dict[str, Any] = {
    "objective": {
        "kind": "weighted_sum",
        "terms": [{"objective": {"kind": "softmax"}}, {"weight": 0.5, "objective": {"kind": "adversarial"}}],
    },
    "hard_negatives": {"start_epoch": 1, "every": 2, "depth": 20, "per_query": 8, "per_step": 4, "sampling": "random"},
    "teacher": {"kind": "ranker", "warmup_steps": 40, "ranker_steps": 15, "ranker": {"kind": "mlp", "dimension": 8}},
}


def ar2_config(mining: Mapping[str, Any] = MappingProxyType({}), **teacher: Any) -> TrainConfig:
    trainer = {**shop_settings()["trainer"], "epochs": 4, "refit": "none", "patience": 9}
    taught = {
        **AR2,
        "hard_negatives": {**AR2["hard_negatives"], **mining},
        "teacher": {**AR2["teacher"], **teacher},
        "examples": {},
        "trainer": trainer,
    }
    shop = shop_settings()
    query = [feature for feature in shop["features"]["query"] if feature["kind"] != "sequence"]
    features = {"query": query, "item": shop["features"]["item"]}
    return validate_config(TrainConfig, {**shop, **taught, "features": features}, "test")


def nearest(n_queries: int = 60, n_items: int = 50) -> Dataset:
    query_QD, item_ND = points(n_queries, 4, 0), points(n_items, 4, 1)
    score_QN = query_QD @ item_ND.T
    return point_dataset(query_QD, item_ND, [(query, int(score_QN[query].argmax())) for query in range(n_queries)])


def mined(context: HookContext) -> Mined:
    return Miner(HardNegativesConfig(relative_margin=None, depth=10), context).mine()


def test_a_run_with_a_ranker_logs_both_sides_and_resumes_to_equal_weights(tmp_path: Path) -> None:
    config = ar2_config()
    dataset = load_dataset(config.data, write_shop(tmp_path))
    learned = learn_and_resume(config, dataset, config.split.split(dataset), tmp_path / "run", stop_after=2)
    logs = [log.logs for log in learned.logs]
    assert ["ranker_loss" in log for log in logs] == [False, True, False, True]
    assert logs[0]["skipped/adversarial"] > 50  # of 64 a step: nothing is scored before the first round
    assert logs[1]["skipped/adversarial"] < 60
    assert logs[3]["judged_pairs"] > 100
    assert logs[3]["ranker_accuracy"] > logs[1]["ranker_accuracy"]
    assert max(log.metrics["recall@10"] for log in learned.logs) > 0.3


def test_without_alternation_it_trains_once_and_judges_only_new_pairs(tmp_path: Path) -> None:
    config = ar2_config({"relative_margin": None}, alternate=False)
    dataset = load_dataset(config.data, write_shop(tmp_path))
    learned = learn_and_resume(config, dataset, config.split.split(dataset), tmp_path / "run", stop_after=2)
    first, second = learned.logs[1].logs, learned.logs[3].logs
    assert "ranker_loss" in first and "ranker_loss" not in second
    assert 0 < second["judged_pairs"] < first["judged_pairs"]


def test_the_two_orders_are_one_cycle_entered_at_different_places() -> None:
    released, paper = RankerTeacherConfig(), RankerTeacherConfig(order="paper")
    assert [released.steps(first) for first in (True, False)] == [250, 50]
    assert [paper.steps(first) for first in (True, False)] == [200, 50]
    fixed = RankerTeacherConfig(alternate=False)
    assert [fixed.steps(first) for first in (True, False)] == [200, 0]


def test_the_ranker_learns_and_the_towers_do_not_notice() -> None:
    context = context_of(nearest(), point_settings(4))
    before = embed(context.model.item, context.batches.items, CPU)
    state = torch.get_rng_state()
    teacher = RankerTeacher(RankerTeacherConfig(warmup_steps=150, learning_rate=5e-3, negatives=5), context)
    assert torch.equal(state, torch.get_rng_state())
    given, rng = mined(context), np.random.default_rng(0)
    first = teacher.learn(given, True, rng)
    later = teacher.learn(given, False, rng)
    assert later["ranker_loss"] < 0.5 * first["ranker_loss"]
    assert later["ranker_accuracy"] > 0.8
    assert all(weight.grad is None for weight in context.model.parameters())
    np.testing.assert_array_equal(embed(context.model.item, context.batches.items, CPU), before)


def test_a_restored_teacher_scores_and_learns_on_alike() -> None:
    context = context_of(nearest(), point_settings(4))
    config = RankerTeacherConfig(warmup_steps=5, ranker_steps=5)
    first, second = RankerTeacher(config, context), RankerTeacher(config, context)
    given = mined(context)
    first.learn(given, True, np.random.default_rng(0))
    second.restore(copy.deepcopy(first.state()))
    for _ in range(2):
        query_P, item_P = np.arange(50), np.arange(50)
        np.testing.assert_array_equal(first.scores(query_P, item_P), second.scores(query_P, item_P))
        a, b = (teacher.learn(given, False, np.random.default_rng(1)) for teacher in (first, second))
        assert a == b
    assert first.scores(np.empty(0, np.int64), np.empty(0, np.int64)).shape == (0,)


def test_pretrained_weights_of_a_ranker_have_a_rate_of_their_own(tmp_path: Path) -> None:
    query_QD, item_ND = points(12, 4, 0), points(10, 4, 1)
    dataset = small_dataset(
        [(row, row % 10) for row in range(12)],
        n_queries=12,
        n_items=10,
        query_columns={"point": query_QD.tolist(), "ask": [f"old {WORDS[n]}" for n in range(12)]},
        item_columns={"place": item_ND.tolist(), "title": WORDS[:10]},
    )
    models = PretrainedModels({"tiny": PretrainedConfig(path=write_tiny_model(tmp_path))})
    context = replace(context_of(dataset, point_settings(4)), pretrained=models)
    ranker = CrossEncoderConfig(model="tiny", query_columns=("ask",), item_columns=("title",), max_tokens=12)
    for rates, moves in (({"pretrained_learning_rate": 1e-12}, False), ({"learning_rate": 1e-12}, True)):
        config = RankerTeacherConfig.model_validate(
            {"ranker": ranker, "warmup_steps": 1, "alternate": False, "negatives": 3, **rates}
        )
        teacher = RankerTeacher(config, context)
        before = copy.deepcopy(dict(teacher.ranker.state_dict()))
        teacher.learn(mined(context), True, np.random.default_rng(0))
        after = teacher.ranker.state_dict()
        change = {name: float((after[name] - before[name]).abs().max()) for name in after}
        head, known = change.pop("model.head.weight"), max(v for k, v in change.items() if "backbone" in k)
        assert (known > 1e-6, head > 1e-6) == (moves, not moves)


def test_the_configuration_survives_json() -> None:
    config = ar2_config()
    assert TrainConfig.model_validate_json(config.model_dump_json()) == config
