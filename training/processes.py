"""Several processes train one model: `torchrun --nproc-per-node 2 -m cli train CONFIG`.

All processes go through the same batches with the same random numbers. Each encodes its share of the rows; whatever is
decided is decided by the first process, or by all of them from equal numbers.

Axes: N rows of a batch, S rows of one process, D embedding.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as distributed
from torch import Tensor, nn

from training.errors import ProcessLost

T = TypeVar("T")
_SET_BY_TORCHRUN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class Processes:
    """This process among those of the run; by default there is no other.

    `timeout_s`: how long one waits for the others before it gives up with ProcessLost.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    timeout_s: float = 600.0

    @classmethod
    def launched(cls, environ: Mapping[str, str]) -> "Processes":
        """What torchrun says in the environment; one process when it was not used."""
        if any(name not in environ for name in _SET_BY_TORCHRUN):
            return cls()
        return cls(int(environ["RANK"]), int(environ["WORLD_SIZE"]), int(environ["LOCAL_RANK"]))

    @property
    def leads(self) -> bool:
        """Whether this process writes files and talks."""
        return self.rank == 0

    @contextmanager
    def joined(self, device: torch.device) -> Iterator[None]:
        """Within the block the processes hear each other: over NCCL on GPUs, one a process, else over gloo."""
        if self.count == 1:
            yield
            return
        if device.type == "cuda":
            torch.cuda.set_device(self.local_rank)
        with self._answering():
            distributed.init_process_group(
                "nccl" if device.type == "cuda" else "gloo",
                rank=self.rank,
                world_size=self.count,
                timeout=timedelta(seconds=self.timeout_s),
            )
        try:
            yield
        finally:
            distributed.destroy_process_group()

    def own_records(self, array: Tensor) -> Tensor:
        """The rows [S, ...] that this process encodes; the last row again where they do not divide evenly."""
        if self.count == 1:
            return array
        size = self._size(len(array))
        rows_S = torch.arange(self.rank * size, (self.rank + 1) * size, device=array.device)
        return array[rows_S.clamp_max(len(array) - 1)]

    def gather(self, own_SD: Tensor) -> Tensor:
        """The rows of all processes in order, repeats of the last row at the end; without a graph."""
        if self.count == 1:
            return own_SD
        parts = [torch.empty_like(own_SD) for _ in range(self.count)]
        with self._answering():
            distributed.all_gather(parts, own_SD.contiguous())
        return torch.cat(parts)

    def own_rows(self, gradient_ND: Tensor) -> Tensor:
        """The part [S, D] of a gradient that belongs to `own_records`; 0 for the repeats."""
        if self.count == 1:
            return gradient_ND
        size = self._size(len(gradient_ND))
        padded_ND = gradient_ND.new_zeros(size * self.count, *gradient_ND.shape[1:])
        padded_ND[: len(gradient_ND)] = gradient_ND
        return padded_ND[self.rank * size : (self.rank + 1) * size]

    def sum_gradients(self, parameters: Iterable[nn.Parameter], factor: float = 1.0) -> None:
        """Replace each gradient by `factor` times the sum over all processes."""
        if self.count == 1:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        with self._answering():
            waiting = [distributed.all_reduce(gradient, async_op=True) for gradient in gradients]
            for work in waiting:
                if work is not None:
                    work.wait()
        if factor != 1.0:
            for gradient in gradients:
                gradient.mul_(factor)

    def agreed(self, value: T) -> T:
        """The first process's value, everywhere."""
        if self.count == 1:
            return value
        box = [value]
        with self._answering():
            distributed.broadcast_object_list(box, src=0)
        return box[0]

    @contextmanager
    def own_randomness(self, device: torch.device) -> Iterator[None]:
        """Within the block each process has random numbers of its own; after it all stand at the same place again."""
        if self.count == 1:
            yield
            return
        seed = int(torch.randint(2**62, ()))  # the same number everywhere
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            torch.manual_seed(seed + self.rank)
            yield

    def _size(self, n: int) -> int:
        return -(-n // self.count)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            raise ProcessLost(
                f"process {self.rank} of {self.count} got no answer of the others within {self.timeout_s:g} s: "
                f"{str(error).splitlines()[0]}; the message of the process that stopped says why, and --resume goes on "
                "from the last checkpoint",
                rank=self.rank,
            ) from error
