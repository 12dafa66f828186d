"""What may change the batches between two epochs: mined negatives, a teacher, a noise estimate."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from bundle.progress import Progress
from training.batches import Batches
from training.dataset import Dataset
from training.model import DualEncoder
from training.objectives import Objective


@dataclass(frozen=True)
class HookContext:
    """What a hook works on: the model in training, its batches, and where it came from."""

    dataset: Dataset
    model: DualEncoder
    objective: Objective
    batches: Batches
    device: torch.device
    seed: int
    progress: Progress


class EpochHook(Protocol):
    """Called before every epoch; whatever it decided must be in its state, so that a resumed run repeats it."""

    def before_epoch(self, epoch: int) -> dict[str, float]:
        """Prepare epoch number `epoch`, counted from 0; returns numbers worth a curve."""

    def state(self) -> dict[str, Any]:
        """What a resumed run needs: tensors, numbers, strings, lists and dicts."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up the state, and put the batches where it left them."""
