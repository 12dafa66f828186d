"""Batches built from ids: targets, masks and pools on a data set of four queries."""

import tracemalloc

import numpy as np
import torch

from bundle.columns import DenseColumn, EncodedRecords
from training.batches import Batches
from training.candidates import Candidates, PairScores
from training.example_records import ExampleRecords
from training.examples import Examples
from training.known import KnownPositives
from training.negatives import Negatives
from training.negatives.catalogue import CatalogueConfig
from training.negatives.in_batch import InBatchConfig
from training.ragged import Ragged

QUERY, ITEM = np.array([0, 1, 2, 0]), np.array([5, 3, 5, 4])
COUNTS = np.bincount(ITEM, minlength=7).astype(np.int64)


def column(n: int) -> EncodedRecords:
    return EncodedRecords({"row": DenseColumn(np.arange(n, dtype=np.int64))}, n)


def batches(negatives: Negatives, known: KnownPositives | None = None, size: int = 4) -> Batches:
    targets = Ragged(np.arange(5, dtype=np.int64), ITEM)
    records = ExampleRecords(["row"], column(4), np.arange(4, dtype=np.int64), None)
    weight_N, grade_V = np.array([1, 2, 3, 4], dtype=np.float32), np.array([5, 4, 3, 2], dtype=np.float32)
    examples = Examples(QUERY, targets, weight_N, records, 0, grade_V)
    return Batches(examples, column(7), negatives, size, torch.device("cpu"), known)


def test_equal_targets_are_one_column_and_everybody_s_positive() -> None:
    batch = next(batches(InBatchConfig().build(COUNTS)).epoch(np.random.default_rng(0)))
    assert batch.item_arrays[0].tolist() == [3, 4, 5]
    order = batch.query_arrays[0].tolist()
    for row, example in enumerate(order):
        assert batch.positive_BM[row].tolist() == [item == ITEM[example] for item in (3, 4, 5)]
    assert batch.draws_M.tolist() == [1, 1, 2]
    assert batch.valid_BM.all()
    assert batch.weight_B.tolist() == [float(example + 1) for example in order]


def test_a_query_s_other_positives_are_masked_but_its_target_is_not() -> None:
    known = KnownPositives.from_interactions(np.append(QUERY, 1), np.append(ITEM, 6), 3)
    batch = next(batches(InBatchConfig().build(COUNTS), known).epoch(np.random.default_rng(0)))
    for row, example in enumerate(batch.query_arrays[0].tolist()):
        allowed = [item == ITEM[example] or item not in known.of(int(QUERY[example])) for item in (3, 4, 5)]
        assert batch.valid_BM[row].tolist() == allowed


def test_an_epoch_deals_every_example_once_in_an_order_of_its_own() -> None:
    dealer, rng = batches(CatalogueConfig().build(COUNTS), size=3), np.random.default_rng(0)
    epochs = [[b.query_arrays[0].tolist() for b in dealer.epoch(rng)] for _ in range(8)]
    assert len(dealer) == 2
    assert all([len(part) for part in epoch] == [3, 1] for epoch in epochs)
    assert all(sorted(row for part in epoch for row in part) == [0, 1, 2, 3] for epoch in epochs)
    assert len({str(epoch) for epoch in epochs}) > 1


def test_the_whole_catalogue_is_in_every_batch() -> None:
    for batch in batches(CatalogueConfig().build(COUNTS), size=3).epoch(np.random.default_rng(0)):
        assert batch.item_arrays[0].tolist() == list(range(7))
        assert batch.logq_M is None


def test_candidates_of_the_batch_s_queries_join_the_pool_once_and_carry_their_teacher_s_score() -> None:
    dealer = batches(InBatchConfig().build(COUNTS), size=2)
    score_P = np.array([0.9, 0.1, 0.2, 0.3], dtype=np.float32)
    scores = PairScores.of(np.array([0, 0, 0, 2]), np.array([5, 1, 2, 6]), score_P, 7)
    dealer.set_candidates(Candidates(Ragged.from_rows([[1, 2], [], [6]]), per_step=2, scores=scores))
    batch = dealer.batch(np.array([0, 1]), np.random.default_rng(0))
    assert batch.item_rows_M.tolist() == [1, 2, 3, 5]
    assert batch.draws_M.tolist() == [1, 1, 1, 1]
    assert batch.valid_BM.all()
    assert batch.teacher_BM is not None
    found = batch.teacher_BM.numpy()
    np.testing.assert_allclose(found, [[0.1, 0.2, np.nan, 0.9], [np.nan] * 4], rtol=1e-6)
    assert batch.logq_M is not None
    torch.testing.assert_close(batch.logq_M.exp()[2:], torch.tensor([0.25, 0.5]))
    assert batch.certain_M is not None
    assert batch.certain_M.tolist() == [True, True, False, False]


def test_only_so_many_candidates_are_drawn_a_step_and_none_after_they_are_taken_away() -> None:
    dealer, rng = batches(InBatchConfig().build(COUNTS), size=2), np.random.default_rng(0)
    dealer.set_candidates(Candidates(Ragged.from_rows([[0, 1, 2, 6], [], []]), per_step=1))
    pools = [dealer.batch(np.array([0, 1]), rng).item_rows_M.tolist() for _ in range(40)]
    assert {len(pool) for pool in pools} == {3}
    assert {row for pool in pools for row in pool} == {0, 1, 2, 3, 5, 6}
    dealer.set_candidates(None)
    assert dealer.batch(np.array([0, 1]), rng).item_rows_M.tolist() == [3, 5]


def test_one_target_is_drawn_by_grade_and_the_others_are_no_negatives() -> None:
    targets = Ragged.from_rows([[1, 2, 4], [3]])
    records = ExampleRecords(["row"], column(2), np.arange(2, dtype=np.int64), None)
    grade_V = np.array([1, 3, 0, 2], dtype=np.float32)
    examples = Examples(np.array([0, 1]), targets, np.ones(2, dtype=np.float32), records, 0, grade_V)
    catalogue = CatalogueConfig().build(COUNTS)
    dealer, rng = Batches(examples, column(7), catalogue, 2, torch.device("cpu"), positives=1), np.random.default_rng(0)
    drawn = []
    for _ in range(400):
        batch = dealer.batch(np.array([0, 1]), rng)
        (place,) = batch.positive_BM[0].nonzero().flatten().tolist()
        drawn.append(place)
        assert batch.valid_BM[0].tolist() == [row not in {1, 2, 4} - {place} for row in range(7)]
        assert batch.grade_BM[0, place] == {1: 1, 2: 3}[place]
        assert batch.positive_BM[1].tolist() == [row == 3 for row in range(7)]
    assert 0.68 < np.mean(np.array(drawn) == 2) < 0.82


def test_weights_of_a_hook_lie_over_the_table_s() -> None:
    dealer = batches(InBatchConfig().build(COUNTS))
    dealer.set_weights(np.array([0, 1, 0.5, 2], dtype=np.float32))
    assert dealer.batch(np.arange(4), np.random.default_rng(0)).weight_B.tolist() == [0, 2, 1.5, 8]
    dealer.set_weights(None)
    assert dealer.batch(np.arange(4), np.random.default_rng(0)).weight_B.tolist() == [1, 2, 3, 4]


def test_a_batch_of_a_large_table_costs_what_its_examples_hold() -> None:
    n = 1_000_000
    targets = Ragged(np.arange(n + 1, dtype=np.int64), np.zeros(n, dtype=np.int64))
    records = ExampleRecords(["row"], column(4), np.zeros(n, dtype=np.int64), None)
    one_N, query_N = np.ones(n, dtype=np.float32), np.zeros(n, dtype=np.int64)
    dealer = Batches(
        Examples(query_N, targets, one_N, records, 0, one_N),
        column(7),
        InBatchConfig().build(COUNTS),
        2,
        torch.device("cpu"),
    )
    tracemalloc.start()
    dealer.batch(np.array([5, n - 1]), np.random.default_rng(0))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200_000  # bytes; an array over all targets has 8 million
