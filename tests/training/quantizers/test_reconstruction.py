"""Losses of a decoded embedding, by hand."""

import math

import pytest
import torch

from training.quantizers.reconstruction import contrast, reconstruction_loss


def test_contrast_of_orthogonal_rows_by_hand() -> None:
    rows = torch.eye(2)
    assert contrast(rows, rows, 0.5).item() == pytest.approx(math.log(1 + math.exp(-2)), abs=1e-6)


def test_equal_rows_are_no_negatives_of_each_other() -> None:
    rows = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    assert contrast(rows, rows, 1.0).item() == pytest.approx(
        (2 * math.log(1 + math.exp(-1)) + math.log(1 + 2 * math.exp(-1))) / 3, abs=1e-6
    )


def test_both_is_the_sum_with_the_weight() -> None:
    decoded, rows = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.eye(2)
    parts = [reconstruction_loss(decoded, rows, kind, 0.3, 0.5) for kind in ("mse", "contrastive", "both")]
    assert parts[0].item() == pytest.approx(0.25)
    assert parts[2].item() == pytest.approx(0.25 + 0.3 * parts[1].item())
