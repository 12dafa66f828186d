"""What may change the batches between two epochs: mined negatives, a teacher, a noise estimate."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch

from bundle.progress import Progress
from training.batches import Batches
from training.dataset import Dataset
from training.fit_features import FittedFeatures
from training.model import DualEncoder
from training.objectives import Objective
from training.pretrained import PretrainedModels
from training.ragged import IntArray


@dataclass(frozen=True)
class HookContext:
    """What a hook works on: the model in training, its batches, and where it came from.

    `held_out_P`: keys (query row * items + item row) of the pairs that validation or test hold and training does not.
    """

    dataset: Dataset
    features: FittedFeatures
    model: DualEncoder
    objective: Objective
    batches: Batches
    device: torch.device
    seed: int
    progress: Progress
    pretrained: PretrainedModels = field(default_factory=PretrainedModels)
    held_out_P: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))


class EpochHook(Protocol):
    """Called before every epoch; whatever it decided must be in its state, so that a resumed run repeats it."""

    def before_epoch(self, epoch: int) -> dict[str, float]:
        """Prepare epoch number `epoch`, counted from 0; returns numbers worth a curve."""

    def state(self) -> dict[str, Any]:
        """What a resumed run needs: tensors, numbers, strings, lists and dicts."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up the state, and put the batches where it left them."""
