"""The judgements table: which items become candidates, with which scores; and a run that learns from them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from bundle.progress import NoProgress
from tests.training.hook_world import context_of, learn_and_resume, point_dataset, point_settings, points
from tests.training.small_data import ints
from training.dataset import Dataset, Judgements
from training.errors import BadData
from training.known import held_out_pairs
from training.learn import Learner
from training.splits.contract import Split
from training.teachers.judgements import JudgedCandidates, JudgementsConfig, JudgementsTeacher

PAIRS = [(0, 0), (0, 1), (2, 5)]
SCORES = {(0, 0): 0.8, (0, 1): 0.7, (0, 2): 0.9, (0, 3): 0.695, (0, 4): 0.2, (0, 5): 0.1, (1, 0): 0.5, (2, 0): 0.3}

ONE_EPOCH = {"epochs": 1, "batch_size": 16}
ROWS = (np.arange(40), np.arange(40, 120))  # of training, and held out


def judged(scores: dict[tuple[int, int], float], dataset: Dataset) -> Dataset:
    query_N, item_N = (ints(*column) for column in zip(*scores, strict=True))
    score_N = np.array(list(scores.values()), dtype=np.float32)
    return replace(dataset, judgements=Judgements(query_N, item_N, score_N, pa.table({"score": score_N})))


def small() -> Dataset:
    return judged(SCORES, point_dataset(points(3, 4, 0), points(6, 4, 1), PAIRS))


def candidates(config: JudgementsConfig) -> dict[int, list[int]]:
    context = context_of(small(), point_settings(4))
    JudgedCandidates(config, context)
    batch = context.batches.batch(np.array([1, 2]), np.random.default_rng(0))
    assert batch.teacher_BM is not None
    scored = ~np.isnan(batch.teacher_BM.numpy())
    targets = {1: 1, 2: 5}
    return {
        int(query): sorted(set(batch.item_rows_M[scored[row]].tolist()) - {targets[row + 1]})
        for row, query in enumerate(batch.query_rows_B)
    }


def test_judged_items_that_are_no_positive_are_candidates() -> None:
    assert candidates(JudgementsConfig()) == {0: [2, 3, 4, 5], 2: [0]}


def test_the_cut_drops_what_is_judged_like_a_positive() -> None:
    assert candidates(JudgementsConfig(judge_margin=0.01)) == {0: [4, 5], 2: [0]}  # the limit is .7 - .01


def test_the_best_judged_are_kept_and_some_of_them_drawn() -> None:
    assert candidates(JudgementsConfig(per_query=2)) == {0: [2, 3], 2: [0]}
    assert candidates(JudgementsConfig(per_query=2, sampling="stride", stride=3)) == {0: [2, 5], 2: [0]}
    assert len(candidates(JudgementsConfig(per_step=3))[0]) == 3


def test_targets_and_candidates_carry_the_table_s_score() -> None:
    context = context_of(small(), point_settings(4))
    hook = JudgedCandidates(JudgementsConfig(), context)
    batch = context.batches.batch(np.array([1]), np.random.default_rng(0))
    assert batch.teacher_BM is not None
    assert batch.item_rows_M.tolist() == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(batch.teacher_BM.numpy(), [[0.7, 0.9, 0.695, 0.2, 0.1]], rtol=1e-6)
    assert hook.before_epoch(0) == {"judged_queries": 2.0, "judged_candidates": 5.0, "judged_held_out": 0.0}


def test_the_teacher_answers_from_the_table() -> None:
    found_P = JudgementsTeacher(context_of(small(), point_settings(4))).scores(ints(0, 2, 2), ints(4, 0, 1))
    np.testing.assert_allclose(found_P, [0.2, 0.3, np.nan], rtol=1e-6)


def test_no_table_and_no_use_of_it_are_refused() -> None:
    plain = point_dataset(points(3, 4, 0), points(6, 4, 1), PAIRS)
    with pytest.raises(BadData, match=r"data\.judgements"):
        JudgementsTeacher(context_of(plain, point_settings(4)))
    only_positives = judged({(0, 0): 1.0}, plain)
    with pytest.raises(BadData, match="besides its positives"):
        JudgedCandidates(JudgementsConfig(), context_of(only_positives, point_settings(4)))


def test_a_run_learns_the_judge_s_order_and_resumes_to_equal_weights(tmp_path: Path) -> None:
    query_QD, item_ND = points(60, 6, 0), points(40, 6, 1)
    score_QN = query_QD @ item_ND.T
    best = [(query, int(score_QN[query].argmax())) for query in range(60)]
    rng = np.random.default_rng(0)
    some = {
        (query, int(item)): float(score_QN[query, item]) for query in range(60) for item in rng.permutation(40)[:12]
    }
    some |= {pair: float(score_QN[pair]) for pair in best}
    dataset = judged(some, point_dataset(query_QD, item_ND, best))
    config = point_settings(
        6,
        objective={"kind": "distill_kl", "teacher_temperature": 0.2, "temperature": 0.2},
        teacher={"kind": "judgements", "per_step": 8},
        trainer={"epochs": 6, "batch_size": 16, "learning_rate": 0.02},
    )
    nothing = ints()
    learned = learn_and_resume(config, dataset, Split(np.arange(60), nothing, nothing), tmp_path, stop_after=3)
    assert learned.logs[-1].loss < 0.5 * learned.logs[0].loss
    assert learned.logs[0].logs["judged_queries"] == 60


def test_judged_pairs_of_validation_and_test_never_reach_training() -> None:
    """Each query's best item is its test pair, and the table judges it highest of all."""
    query_QD, item_ND = points(40, 6, 0), points(30, 6, 1)
    score_QN = query_QD @ item_ND.T
    order_QN = np.argsort(-score_QN, axis=1)
    pairs = [(query, int(order_QN[query, place])) for place in (2, 1, 0) for query in range(40)]
    scores = {(query, int(item)): float(score_QN[query, item]) for query in range(40) for item in order_QN[query, :12]}
    dataset = judged(scores, point_dataset(query_QD, item_ND, pairs))
    split = Split(np.arange(40), np.arange(40, 80), np.arange(80, 120))
    held_out = {pair for pair in pairs[40:] if pair not in pairs[:40]}
    config = point_settings(6, objective={"kind": "distill_kl"}, teacher={"kind": "judgements"}, trainer=ONE_EPOCH)
    logs = Learner(config, dataset, split, NoProgress()).learn().logs[0].logs
    assert logs["judged_held_out"] == len(held_out) == 80
    assert logs["judged_candidates"] == 40 * (12 - 3)
    mined = {"start_epoch": 0, "relative_margin": None}
    config = point_settings(
        6, objective={"kind": "distill_kl"}, teacher={"kind": "judgements"}, hard_negatives=mined, trainer=ONE_EPOCH
    )
    assert Learner(config, dataset, split, NoProgress()).learn().logs[0].logs["judged_held_out"] == 80
    context = replace(context_of(dataset, config), held_out_P=held_out_pairs(dataset.interactions, 30, *ROWS))
    query_P, item_P = (ints(*column) for column in zip(*held_out, strict=True))
    assert np.isnan(JudgementsTeacher(context).scores(query_P, item_P)).all()
