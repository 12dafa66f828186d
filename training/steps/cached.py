"""The gradient cache: the same gradients as the direct way, with the memory of one chunk (Gao et al., RepL4NLP 2021).

Records are embedded chunk by chunk without a graph; once the gradient of all embeddings is known, each chunk is
embedded again, now with a graph and under the random state it had, and sends its part back. One more forward pass buys
batches as large as the embeddings allow. A layer that mixes the records of a batch, such as batch normalization, would
break the equality.

Axes: N records, D embedding, C records of a chunk.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.steps.direct import Precision, call_tower, push


@dataclass(frozen=True)
class CachedEncode:
    """Encodes `chunk_size` records at a time, twice."""

    chunk_size: int
    precision: Precision = "fp32"

    def __call__(self, tower: nn.Module, arrays: Sequence[Tensor]) -> "CachedEncoded":
        """Embed all records, chunk by chunk, without a graph."""
        chunks = list(_chunks(arrays, self.chunk_size))
        states, parts = [], []
        with torch.no_grad():
            for chunk in chunks:
                states.append(RandomState.now(chunk[0].device))
                parts.append(call_tower(tower, chunk, self.precision))
        return CachedEncoded(torch.cat(parts), tower, chunks, states, self)


@dataclass(frozen=True)
class RandomState:
    """Where torch's generators stand: of the CPU, and of the GPU if the records are there."""

    cpu: Tensor
    cuda: Tensor | None

    @classmethod
    def now(cls, device: torch.device) -> "RandomState":
        """The present state."""
        cuda = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
        return cls(torch.get_rng_state(), cuda)

    def set(self, device: torch.device) -> None:
        """Put the generators where they stood."""
        torch.set_rng_state(self.cpu)
        if self.cuda is not None:
            torch.cuda.set_rng_state(self.cuda, device)


@dataclass(frozen=True)
class CachedEncoded:
    """Embeddings of which only the inputs and the random states are kept."""

    embedding_ND: Tensor
    tower: nn.Module
    chunks: list[list[Tensor]]
    states: list[RandomState]
    encode: CachedEncode

    def backward(self, gradient_ND: Tensor) -> None:
        """Embed each chunk again and run it backwards; torch's random state is afterwards what it was before."""
        device = self.embedding_ND.device
        gradients_CD = torch.split(gradient_ND, self.encode.chunk_size)
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            for chunk, state, gradient_CD in zip(self.chunks, self.states, gradients_CD, strict=True):
                state.set(device)
                push(call_tower(self.tower, chunk, self.encode.precision), gradient_CD)


def _chunks(arrays: Sequence[Tensor], size: int) -> Iterator[list[Tensor]]:
    for start in range(0, len(arrays[0]), size):
        yield [array[start : start + size] for array in arrays]
