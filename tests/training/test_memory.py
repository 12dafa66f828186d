"""Cross-batch memory: a batch that meets the past is a larger batch, as long as the weights stand still.

Axes: B queries, M items of the pool, D embedding.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.training.steps_world import DIMENSION, NUMBERS, gradients, rows, small_model
from training.batches import Batch
from training.known import KnownPositives
from training.memory import Memory, MemoryConfig
from training.objectives import LossInput
from training.objectives.softmax import SoftmaxConfig
from training.ragged import IntArray, Ragged
from training.steps import DirectEncode, Step

# Examples 0..5 with their targets; query 1 also knows item 7, query 4 item 2.
TARGETS = Ragged.from_rows([[0], [1], [2], [5], [6], [7]])
KNOWN = KnownPositives.from_interactions(rows(0, 1, 1, 2, 3, 4, 4, 5), rows(0, 1, 7, 2, 5, 6, 2, 7), 6)
FEATURES_N = torch.randn(10, NUMBERS, generator=torch.Generator().manual_seed(4), dtype=torch.float64)


def batch(examples: IntArray, pool: IntArray, draws: list[int]) -> Batch:
    """The batch of these examples against these items, masked as batches are."""
    positive_BM = torch.from_numpy(KnownPositives(TARGETS).mask(examples, pool))
    known_BM = torch.from_numpy(KNOWN.mask(examples, pool))
    return Batch(
        rows_B=examples,
        query_rows_B=examples,
        item_rows_M=pool,
        targets=TARGETS.take(examples),
        query_arrays=[FEATURES_N[torch.from_numpy(examples)] + 1],
        item_arrays=[FEATURES_N[torch.from_numpy(pool)]],
        positive_BM=positive_BM,
        valid_BM=positive_BM | ~known_BM,
        draws_M=torch.tensor(draws),
        logq_M=torch.log(1 / (2.0 + torch.from_numpy(pool))),
        weight_B=torch.ones(len(examples), dtype=torch.float64),
        grade_BM=positive_BM.double(),
        teacher_BM=None,
        count_M=torch.from_numpy(pool) + 10,
    )


FIRST = batch(rows(0, 1, 2), rows(0, 1, 2, 3), [1, 1, 2, 1])
SECOND = batch(rows(3, 4, 5), rows(2, 5, 6, 7), [1, 1, 1, 0])
# All items of both: item 2 was drawn twice in the first batch and once in the second.
BOTH = batch(rows(3, 4, 5), rows(0, 1, 2, 3, 5, 6, 7), [1, 1, 3, 1, 1, 1, 0])


def remembering(batches: int = 1) -> Memory:
    return Memory(MemoryConfig(batches=batches), TARGETS, KNOWN)


@pytest.mark.parametrize("logq", ["none", "classic", "corrected"])
def test_with_weights_that_stand_still_one_batch_remembered_is_a_batch_with_the_items_of_both(logq: str) -> None:
    model, objective = small_model(dropout=False), SoftmaxConfig(logq=logq).build(DIMENSION)
    step = Step(model, objective, DirectEncode(), memory=remembering())
    step(FIRST, remember=True)
    model.zero_grad()
    remembered = step(SECOND, remember=True)
    query_gradients = gradients(model.query)
    model.zero_grad()
    larger = Step(model, objective, DirectEncode())(BOTH)
    torch.testing.assert_close(remembered.loss, larger.loss, rtol=1e-12, atol=0)
    torch.testing.assert_close(query_gradients, gradients(model.query), rtol=1e-10, atol=1e-13)
    alone = Step(model, objective, DirectEncode())(SECOND)
    assert abs(alone.loss.item() - remembered.loss.item()) > 1e-2


def given(batch: Batch, item_MD: Tensor) -> LossInput:
    rest = {name: getattr(batch, name) for name in LossInput.__dataclass_fields__ if hasattr(batch, name)}
    return LossInput(torch.zeros(len(batch.rows_B), DIMENSION), item_MD, **rest)


def test_what_joins_the_pool_and_what_is_masked() -> None:
    memory = remembering()
    embedding_MD = torch.arange(16.0).reshape(4, 4)
    memory.remember(embedding_MD, FIRST)
    own_MD = torch.full((4, 4), -1.0, requires_grad=True)
    teacher_BM = torch.zeros(3, 4)
    found = memory.extend(replace(given(SECOND, own_MD), teacher_BM=teacher_BM), SECOND)
    assert torch.equal(found.item_MD[4:], embedding_MD[[0, 1, 3]])  # item 2 stands in the pool already
    assert found.draws_M is not None and found.draws_M.tolist() == [3, 1, 1, 0, 1, 1, 1]
    assert found.count_M is not None and found.count_M.tolist() == [12, 15, 16, 17, 10, 11, 13]
    assert not found.positive_BM[:, 4:].any()
    assert found.valid_BM[:, 4:].all()
    assert found.teacher_BM is not None and found.teacher_BM[:, 4:].isnan().all()
    assert found.grade_BM is not None and (found.grade_BM[:, 4:] == 0).all()
    found.item_MD.sum().backward()  # type: ignore[no-untyped-call]
    assert own_MD.grad is not None and (own_MD.grad == 1).all()


def test_known_positives_and_targets_that_were_not_drawn_are_no_negatives() -> None:
    memory = remembering()
    memory.remember(torch.zeros(4, 4), SECOND)
    again = batch(rows(1, 2, 3), rows(0, 1), [1, 1])  # the target of example 3, item 5, was not drawn this time
    found = memory.extend(given(again, torch.zeros(2, 4)), again)
    # Remembered: 2, 5 and 6; item 7 was nobody's negative. Query 1 knows 7, query 2 has 2 as its target.
    assert found.valid_BM[:, 2:].tolist() == [[True, True, True], [False, True, True], [True, False, True]]


def test_the_newest_embedding_of_an_item_counts_and_the_oldest_batch_is_forgotten() -> None:
    memory = remembering(2)
    for value in (1.0, 2.0, 3.0):
        memory.remember(torch.full((4, 4), value), FIRST)
    found = memory.extend(given(SECOND, torch.zeros(4, 4)), SECOND)
    assert (found.item_MD[4:] == 3).all()
    assert found.draws_M is not None and found.draws_M.tolist() == [1 + 2 * 2, 1, 1, 0, 2, 2, 2]


def test_an_empty_memory_changes_nothing_and_the_state_comes_back() -> None:
    plain = given(SECOND, torch.zeros(4, 4))
    memory = remembering(3)
    assert memory.extend(plain, SECOND) is plain
    memory.remember(torch.rand(4, 4), FIRST)
    memory.remember(torch.rand(4, 4), SECOND)
    other = remembering(3)
    other.restore(memory.state(), torch.device("cpu"))
    first, second = (m.extend(given(BOTH, torch.zeros(7, 4)), BOTH) for m in (memory, other))
    assert torch.equal(first.draws_M, second.draws_M)  # type: ignore[arg-type]
    third = batch(rows(0), rows(0, 9), [1, 1])
    first, second = (m.extend(given(third, torch.zeros(2, 4)), third) for m in (memory, other))
    assert torch.equal(first.item_MD, second.item_MD)
    assert np.isfinite(first.item_MD.numpy()).all()
    assert len(first.item_MD) == 2 + 5  # 1, 2, 3, 5 and 6


def test_a_batch_without_logq_stays_without() -> None:
    memory = remembering()
    memory.remember(torch.zeros(4, 4), replace(FIRST, logq_M=None))
    bare = replace(SECOND, logq_M=None)
    assert memory.extend(given(bare, torch.zeros(4, 4)), bare).logq_M is None


# The same with certain items: 3 in the first batch alone, 2 in the second, but drawn in the first, 7 a target of 5.
CHOSEN_FIRST = replace(FIRST, certain_M=torch.tensor([False, False, False, True]))
CHOSEN_SECOND = replace(SECOND, draws_M=torch.tensor([1, 1, 1, 1]), certain_M=torch.tensor([True, False, False, True]))
CHOSEN_BOTH = replace(
    BOTH,
    draws_M=torch.tensor([1, 1, 2, 1, 1, 1, 1]),
    certain_M=torch.tensor([False, False, False, True, False, False, True]),
)


@pytest.mark.parametrize("logq", ["none", "classic", "corrected"])
def test_what_was_there_for_certain_counts_as_much_as_in_a_batch_with_the_items_of_both(logq: str) -> None:
    model, objective = small_model(dropout=False), SoftmaxConfig(logq=logq).build(DIMENSION)
    step = Step(model, objective, DirectEncode(), memory=remembering())
    step(CHOSEN_FIRST, remember=True)
    remembered = step(CHOSEN_SECOND, remember=True)
    larger = Step(model, objective, DirectEncode())(CHOSEN_BOTH)
    torch.testing.assert_close(remembered.loss, larger.loss, rtol=1e-12, atol=0)


def test_an_item_that_is_there_for_certain_again_and_again_counts_once() -> None:
    memory = remembering(2)
    for _ in range(2):
        memory.remember(torch.zeros(4, 4), CHOSEN_FIRST)
    other = remembering(2)
    other.restore(memory.state(), torch.device("cpu"))
    for kept in (memory, other):
        found = kept.extend(given(SECOND, torch.zeros(4, 4)), SECOND)
        assert found.draws_M is not None and found.draws_M.tolist() == [5, 1, 1, 0, 2, 2, 1]
        assert found.certain_M is not None and found.certain_M.tolist() == [False] * 6 + [True]
