"""What a step asks of the way in which it encodes.

Axes: N records, D embedding.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from torch import Tensor, nn


class Encoded(Protocol):
    """Embeddings of some records, and the way back into the tower that made them."""

    @property
    def embedding_ND(self) -> Tensor:
        """The embeddings, without a graph, in float32 at least."""

    def backward(self, gradient_ND: Tensor) -> None:
        """Add to the tower's gradients what follows from the gradient of the embeddings; to be called once."""


@runtime_checkable
class HasOwnLoss(Protocol):
    """A module of a tower that wants something of its weights besides good embeddings."""

    def own_loss(self) -> dict[str, Tensor]:
        """Weighted terms by name, each with a graph; they are added to the loss of every step.

        Randomness comes from torch's global generator, which stands at the same place in all processes.
        """


class Encode(Protocol):
    """Embeds records so that gradients can follow."""

    def __call__(self, tower: nn.Module, arrays: Sequence[Tensor]) -> Encoded:
        """Embeddings of the records in `arrays`, each of which has the records on its first axis."""
