"""Batches built from ids: targets, masks and pools on a data set of four queries."""

import numpy as np
import torch

from bundle.columns import DenseColumn, EncodedRecords
from training.batches import Batches
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
    examples = Examples(QUERY, targets, np.array([1, 2, 3, 4], dtype=np.float32), column(4), 0)
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
