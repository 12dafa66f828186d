"""Divergence: a loss, a gradient or a weight that is not finite ends the run before it is saved."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from training.checkpoint import CheckpointFile
from training.errors import Diverged

_ADVICE = "lower trainer.learning_rate, raise objective.temperature, or check the features for extreme numbers"


def check_step(loss: float, norm: float, logs: Mapping[str, Tensor], epoch: int, step: int, saved: str) -> None:
    """Raise Diverged, naming epoch, step and the logged terms that went wrong, unless loss and norm are finite.

    `saved` says what there is to go on from.
    """
    if math.isfinite(loss) and math.isfinite(norm):
        return
    what = f"the loss is {loss}" if not math.isfinite(loss) else f"the gradient's norm is {norm} (the loss {loss:.4g})"
    terms = [name for name, value in logs.items() if not bool(value.isfinite().all())]
    named = f", with {', '.join(terms)} not finite," if terms else ""
    message = f"{what}{named} at step {step} of epoch {epoch}; {_ADVICE}; {saved}"
    raise Diverged(message, epoch=epoch, step=step, terms=terms)


def check_weights(model: nn.Module, epoch: int, saved: str) -> None:
    """Raise Diverged when the epoch ended with a weight that is not finite."""
    for name, parameter in model.named_parameters():
        if not bool(torch.isfinite(parameter).all()):
            message = f"the weights {name} are not finite after epoch {epoch}; {_ADVICE}; {saved}"
            raise Diverged(message, epoch=epoch)


def saved_so_far(checkpoint: CheckpointFile | None, epoch: int) -> str:
    """What a run that has to stop in the epoch after `epoch` leaves behind, and what can be done with it."""
    if checkpoint is None or epoch == 0:
        return "no epoch was finished, so nothing was saved"
    return (
        f"{checkpoint.path} holds the run as it was after epoch {epoch}, the last good one; --resume with the same "
        "settings repeats what happened here, and other settings are another run, which starts anew"
    )
