"""What a ranker is: a teacher that reads a query and an item together, where two towers may not.

Axes: B queries, C candidates of each query.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor, nn

from training.ragged import IntArray


@dataclass(frozen=True)
class Reads:
    """What somebody reads besides the features of the towers: pretrained models by name, columns of the tables."""

    models: tuple[str, ...] = ()
    query_columns: tuple[str, ...] = ()
    item_columns: tuple[str, ...] = ()


class Ranker(Protocol):
    """Scores pairs of rows of the dataset that it was built for; every `torch.nn.Module` with `score` is one."""

    def score(self, query_rows_B: IntArray, item_rows_BC: IntArray) -> Tensor:
        """Scores float32 [B, C] on the ranker's device, larger is better, with gradient where gradients are on.

        All rows must exist in the dataset: who has fewer than C candidates pads with any row and masks the score. A
        pair's score depends on that pair alone, never on its batch mates.
        """

    def parameters(self) -> Iterator[nn.Parameter]:
        """The weights to train."""

    def modules(self) -> Iterator[nn.Module]:
        """It and every module inside it."""

    def train(self, mode: bool = True) -> Any:
        """Switch between training (dropout acts) and evaluation."""

    def state_dict(self) -> dict[str, Any]:
        """The weights, for a checkpoint."""

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> Any:
        """Take the weights of a checkpoint."""
