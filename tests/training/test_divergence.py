from pathlib import Path

import pytest
import torch

from training.checkpoint import CheckpointFile
from training.divergence import check_step, check_weights, saved_so_far
from training.errors import Diverged

LOGS = {"softmax": torch.tensor(1.0), "triplet": torch.tensor(torch.nan)}


@pytest.mark.parametrize(
    ("loss", "norm", "says"),
    [
        (float("nan"), 1.0, "the loss is nan, with triplet not finite, at step 3 of epoch 2"),
        (0.5, float("inf"), r"the gradient's norm is inf \(the loss 0.5\)"),
    ],
)
def test_what_is_not_finite_is_named_with_step_epoch_term_and_what_is_left(loss: float, norm: float, says: str) -> None:
    with pytest.raises(Diverged, match=f"{says}.*learning_rate.*saved elsewhere") as caught:
        check_step(loss, norm, LOGS, 2, 3, "saved elsewhere")
    assert caught.value.context == {"epoch": 2, "step": 3, "terms": ["triplet"]}


def test_finite_numbers_pass_even_when_a_log_is_not() -> None:
    check_step(0.5, 1.0, LOGS, 2, 3, "")
    check_weights(torch.nn.Linear(2, 2), 1, "")


def test_a_weight_that_is_not_finite_is_named() -> None:
    module = torch.nn.Linear(2, 2)
    with torch.no_grad():
        module.bias[1] = torch.inf
    with pytest.raises(Diverged, match="the weights bias are not finite after epoch 4.*saved"):
        check_weights(module, 4, "saved")


def test_what_is_saved_is_told_as_it_is(tmp_path: Path) -> None:
    checkpoint = CheckpointFile(tmp_path / "select.checkpoint", "run")
    assert saved_so_far(checkpoint, 0) == saved_so_far(None, 3) == "no epoch was finished, so nothing was saved"
    assert "select.checkpoint holds the run as it was after epoch 2" in saved_so_far(checkpoint, 2)
