from itertools import permutations

import numpy as np
import pytest

from index import last_level
from index.last_level import spread, transport_plan
from tests.index.codebooks import random_codebooks

EPSILON = 0.003


def test_a_square_plan_is_balanced_as_in_the_worked_example() -> None:
    # Dossier oracle D, each column taken twice so that a column holds one row.
    cost_MC = np.array([[0, 0, 1, 1], [0.1, 0.1, 1, 1], [0.2, 0.2, 1, 1], [0.3, 0.3, 1, 1]])
    plan_MC = transport_plan(cost_MC, 0.1)
    halves = np.column_stack([plan_MC[:, :2].sum(1), plan_MC[:, 2:].sum(1)])
    # Costs are scaled to -1..1, which doubles them: the plan of the example at epsilon 0.05.
    np.testing.assert_allclose(plan_MC.sum(0), 1, atol=1e-6)
    assert halves.argmax(1).tolist() == [0, 0, 1, 1]
    assert halves[0, 0] > halves[1, 0] > halves[2, 0] > halves[3, 0]


def test_a_wide_plan_leaves_far_codes_empty() -> None:
    cost_MC = np.array([[0.0, 0.2, 5.0, 5.0], [0.0, 0.1, 5.0, 5.0]])
    plan_MC = transport_plan(cost_MC, EPSILON)
    np.testing.assert_allclose(plan_MC[:, 2:], 0, atol=1e-6)
    # Exact optimum: the first row stays, because it loses more by moving.
    assert plan_MC[0, 0] > 0.5 and plan_MC[1, 1] > 0.5


@pytest.mark.parametrize("seed", range(5))
def test_the_assignment_is_near_the_best_one(seed: int) -> None:
    books = random_codebooks((2, 6), seed=seed)
    rng = np.random.default_rng(seed)
    vectors_MD = (books.decode(np.array([[1, 2]])) + rng.normal(scale=0.2, size=(4, 3))).astype(np.float32)
    free_C = np.array([0, 1, 2, 4, 5])
    codes_M = spread(vectors_MD, [1], free_C, books.decode, EPSILON)
    assert len(set(codes_M.tolist())) == 4 and set(codes_M.tolist()) <= set(free_C.tolist())
    decoded_CD = books.decode(np.column_stack([np.ones(6, dtype=np.int64), np.arange(6)]))
    cost = ((vectors_MD[:, None].astype(np.float64) - decoded_CD) ** 2).sum(-1)
    best = min(cost[np.arange(4), list(codes)].sum() for codes in permutations(free_C.tolist(), 4))
    assert cost[np.arange(4), codes_M].sum() <= 1.05 * best


def test_blocks_and_too_many_items_are_bounded_and_the_first_get_the_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    books = random_codebooks((2, 8))
    vectors_MD = np.zeros((11, 3), dtype=np.float32)
    whole = spread(vectors_MD, [0], np.arange(8), books.decode, EPSILON)
    assert sorted(whole[:8].tolist()) == list(range(8)) and whole[8:].tolist() == [-1] * 3
    monkeypatch.setattr(last_level, "MAX_ENTRIES", 16)  # two items at a time
    monkeypatch.setattr(last_level, "DECODE_BATCH", 3)
    blocks = spread(vectors_MD, [0], np.arange(8), books.decode, EPSILON)
    assert sorted(blocks[:8].tolist()) == list(range(8)) and blocks[8:].tolist() == [-1] * 3
    assert spread(vectors_MD, [0], np.arange(0), books.decode, EPSILON).tolist() == [-1] * 11
