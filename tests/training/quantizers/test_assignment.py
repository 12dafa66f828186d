"""Which code a row of a training batch gets."""

import torch

from training.quantizers.assignment import training_codes

DISTANCE = torch.tensor([[0.0, 1.0], [0.1, 1.0], [0.2, 1.0], [0.3, 1.0]])


def test_greedy_takes_the_nearest() -> None:
    assert training_codes(DISTANCE, "greedy", 0.0).tolist() == [0, 0, 0, 0]


def test_sinkhorn_uses_codes_equally() -> None:
    assert training_codes(DISTANCE, "sinkhorn", 0.0).tolist() == [0, 0, 1, 1]


def test_partial_leaves_unsure_rows_greedy_until_the_end() -> None:
    """At first a tenth of the mass moves: hardly a row is sure. In the end codes are pulled apart, softly."""
    assert training_codes(DISTANCE, "partial", 0.0).tolist() == [0, 0, 0, 0]
    assert training_codes(DISTANCE, "partial", 1.0).tolist().count(1) >= 1
