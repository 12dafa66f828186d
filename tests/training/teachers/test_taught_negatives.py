"""Mined candidates under a judge: budget, cut, scores in the batch."""

import numpy as np
import pytest

from tests.training.hook_world import context_of, identity_towers, point_dataset, point_settings, points
from training.epoch_hook import HookContext
from training.mining.filter import lowest
from training.mining.miner import HardNegativesConfig, Mined, Miner
from training.mining.search import Found
from training.ragged import FloatArray, IntArray, Ragged
from training.teachers.contract import TeacherSettings
from training.teachers.judgements import JudgementsTeacher
from training.teachers.taught_negatives import TaughtNegatives, doubt

QUERY, ITEM = points(30, 4, 0), points(80, 4, 1)
BEST = (QUERY @ ITEM.T).argmax(1)


class Oracle(JudgementsTeacher):
    """Judges by the true angle, and counts the queries it was asked about."""

    def __init__(self) -> None:
        self._held_out = 0
        self.queries: set[int] = set()
        self.pairs = 0

    def scores(self, query_P: IntArray, item_P: IntArray) -> FloatArray:
        self.queries |= set(query_P.tolist())
        self.pairs += len(query_P)
        score_P: FloatArray = (QUERY[query_P] * ITEM[item_P]).sum(1).astype(np.float32)
        return score_P


def world() -> HookContext:
    pairs = [(query, int(item)) for query, item in enumerate(BEST)]
    context = context_of(point_dataset(QUERY, ITEM, pairs), point_settings(4))
    identity_towers(context)
    return context


def mining(**settings: object) -> HardNegativesConfig:
    given = {"start_epoch": 0, "relative_margin": None, "depth": 20, "per_query": 6, "per_step": 6}
    return HardNegativesConfig.model_validate({**given, **settings})


def test_candidates_and_targets_of_judged_queries_carry_scores_in_the_batch() -> None:
    context, oracle = world(), Oracle()
    hook = TaughtNegatives(mining(), TeacherSettings(), oracle, context)
    logs = hook.before_epoch(0)
    batch = context.batches.batch(np.arange(30), np.random.default_rng(0))
    assert batch.teacher_BM is not None
    found_BM = batch.teacher_BM.numpy()
    scored = ~np.isnan(found_BM)
    assert scored.sum(1).tolist() == [7] * 30
    assert scored[batch.positive_BM.numpy()].all()
    np.testing.assert_allclose(found_BM[scored], (QUERY @ ITEM[batch.item_rows_M].T)[scored], atol=1e-5)
    assert logs["judged_queries"] == 30
    assert logs["judged_pairs"] == oracle.pairs == 30 * 7


def test_before_the_first_round_the_batch_has_a_teacher_that_says_nothing() -> None:
    context = world()
    hook = TaughtNegatives(mining(start_epoch=1), TeacherSettings(), Oracle(), context)
    assert hook.before_epoch(0) == {}
    batch = context.batches.batch(np.arange(4), np.random.default_rng(0))
    assert batch.teacher_BM is not None
    assert batch.teacher_BM.isnan().all()


@pytest.mark.parametrize("selection", ["robust", "margin", "uniform"])
def test_a_budget_is_kept_and_spent_on_other_queries_the_next_time(selection: str) -> None:
    context, oracle = world(), Oracle()
    settings = TeacherSettings.model_validate({"budget": 8, "selection": selection})
    hook = TaughtNegatives(mining(), settings, oracle, context)
    assert hook.before_epoch(0)["judged_queries"] == 8
    first = set(oracle.queries)
    assert len(first) == 8
    batch = context.batches.batch(np.arange(30), np.random.default_rng(0))
    assert batch.teacher_BM is not None
    judged = (~batch.teacher_BM.isnan()).any(1).numpy()
    assert set(np.flatnonzero(judged).tolist()) == first
    assert len(np.unique(batch.item_rows_M)) > 40  # the other queries have their mined items all the same
    hook.before_epoch(1)  # nothing moved, so the judged queries have no unknown candidate
    assert len(oracle.queries) == 16


def test_the_cut_drops_what_the_judge_puts_above_the_positive() -> None:
    context = world()
    hook = TaughtNegatives(mining(per_query=20), TeacherSettings(judge_margin=0.1), Oracle(), context)
    hook.before_epoch(0)
    items = hook.state()["candidates"]
    row_V = np.repeat(np.arange(30), np.diff(items["offsets"].numpy()))
    score_V = (QUERY[row_V] * ITEM[items["values"].numpy()]).sum(1)
    limit_Q = (QUERY * ITEM[BEST]).sum(1) - 0.1
    assert (score_V <= limit_Q[row_V] + 1e-6).all()
    whole = Miner(mining(), context).mine().found
    true_V = (QUERY[whole.items.row_index_V] * ITEM[whole.items.values_V]).sum(1)
    kept = (true_V <= limit_Q[whole.items.row_index_V]).sum()
    assert len(score_V) == kept < len(true_V)


def test_a_restored_hook_puts_the_batches_where_they_were() -> None:
    first, second = world(), world()
    hook = TaughtNegatives(mining(), TeacherSettings(budget=10), Oracle(), first)
    hook.before_epoch(0)
    other = TaughtNegatives(mining(), TeacherSettings(budget=10), Oracle(), second)
    other.restore(hook.state())
    a, b = (context.batches.batch(np.arange(30), np.random.default_rng(5)) for context in (first, second))
    assert a.item_rows_M.tolist() == b.item_rows_M.tolist()
    assert a.teacher_BM is not None and b.teacher_BM is not None
    np.testing.assert_array_equal(a.teacher_BM.numpy(), b.teacher_BM.numpy())
    assert hook.before_epoch(1) == other.before_epoch(1)


def test_doubt_is_one_less_the_lead_of_the_likeliest() -> None:
    context = context_of(point_dataset(points(3, 4, 0), points(9, 4, 1), [(0, 0), (1, 1), (2, 2)]), point_settings(4))
    queries = Miner(mining(), context).queries
    found = Found(Ragged.from_rows([[3, 4], [5], []]), np.array([0.2, 0.1, 0.6], dtype=np.float32))
    gain_Q = doubt(Mined(queries, found, np.array([0.3, 0.6, 0.9], dtype=np.float32), 0.0), temperature=0.1)
    share = np.exp([3, 2, 1]) / np.exp([3, 2, 1]).sum()
    np.testing.assert_allclose(gain_Q, [1 - share[0] + share[1], 1, 1], rtol=1e-5)
    assert lowest(queries.asked, np.array([0.3, 0.6, 0.9], dtype=np.float32)).shape == (3,)


def test_with_a_history_the_target_of_every_example_has_the_judge_s_score() -> None:
    pairs = [(query, int(item)) for query in range(30) for item in np.argsort(-(QUERY[query] @ ITEM.T))[:3]]
    features = {
        "query": [{"kind": "vector", "name": "point", "dimension": 4}, {"kind": "sequence", "name": "past"}],
        "item": [{"kind": "vector", "name": "place", "dimension": 4}],
    }
    config = point_settings(4, features=features, examples={"history_feature": "past"})
    context = context_of(point_dataset(QUERY, ITEM, pairs), config)
    TaughtNegatives(mining(), TeacherSettings(), Oracle(), context).before_epoch(0)
    batch = context.batches.batch(np.arange(90), np.random.default_rng(0))
    assert batch.teacher_BM is not None
    assert not batch.teacher_BM[batch.positive_BM].isnan().any()
