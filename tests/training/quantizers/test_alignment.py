"""The contrastive terms of the alignment, by hand."""

import pytest
import torch

from training.quantizers.alignment import Views, alignment_loss, equal, nce
from training.quantizers.pair_batches import PairBatch

NONE = torch.zeros(2, 2, dtype=torch.bool)


@pytest.mark.parametrize(("temperature", "expected"), [(0.5, 0.126928), (0.1, 4.54e-5)])
def test_nce_of_identical_views_by_hand(temperature: float, expected: float) -> None:
    assert nce(torch.eye(2), 3 * torch.eye(2), temperature, NONE).item() == pytest.approx(expected, rel=1e-3)


def test_rows_that_are_the_same_are_no_negatives() -> None:
    alike = torch.ones(2, 2)
    assert nce(alike, alike, 0.1, NONE).item() == pytest.approx(0.6931, abs=1e-4)
    assert nce(alike, alike, 0.1, equal(torch.tensor([4, 4]), torch.tensor([4, 4]))).item() == pytest.approx(0)


def test_rows_that_do_not_count_are_left_out() -> None:
    left = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    assert nce(left, torch.eye(2), 0.5, NONE, torch.tensor([True, False])).item() == pytest.approx(0.126928, rel=1e-3)
    assert nce(left, torch.eye(2), 0.5, NONE, torch.tensor([False, False])).item() == 0


def test_six_terms_and_no_co_occurrence_without_partners() -> None:
    pairs = PairBatch(*(torch.tensor(rows) for rows in ([0, 1], [5, 6], [2, 3], [7, 8])))
    eye = torch.eye(2)
    views = Views(eye, eye, eye, eye, eye, eye)
    assert alignment_loss(views, pairs, 0.5).item() == pytest.approx(6 * 0.126928, rel=1e-3)
    alone = PairBatch(pairs.user_B, pairs.item_B, pairs.user_B, pairs.item_B)
    assert alignment_loss(views, alone, 0.5).item() == pytest.approx(4 * 0.126928, rel=1e-3)
