"""How much memory a step takes with and without the gradient cache, each measured in a process of its own.

python -m benchmarks.gradient_cache [--batch 2048] [--chunk 64] [--device cpu]
"""

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from training.batches import Batch
from training.model import DualEncoder
from training.objectives.softmax import SoftmaxConfig
from training.ragged import Ragged
from training.steps import CachedEncode, DirectEncode, Step

Device = Literal["cpu", "cuda"]
VOCABULARY = 1000


@dataclass(frozen=True)
class Shape:
    """How large the towers and their texts are: a small transformer by default."""

    batch: int = 2048
    chunk: int = 64
    tokens: int = 16
    width: int = 128
    layers: int = 2
    heads: int = 4


@dataclass(frozen=True)
class MemoryUse:
    """Peak growth in bytes of one step, beyond the weights and the batch."""

    direct: int
    cached: int

    @property
    def ratio(self) -> float:
        """What the cached step takes, as a share of the direct one."""
        return self.cached / self.direct


class TextTower(nn.Module):
    """Token embeddings, transformer layers with dropout, and the mean over the tokens at unit length."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.tokens = nn.Embedding(VOCABULARY, shape.width)
        layer = nn.TransformerEncoderLayer(shape.width, shape.heads, 4 * shape.width, dropout=0.1, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, shape.layers, enable_nested_tensor=False)

    def forward(self, *arrays: Tensor) -> Tensor:
        """Embeddings of texts [B, T] of token numbers."""
        embedding_BD: Tensor = self.layers(self.tokens(arrays[0])).mean(1)
        return nn.functional.normalize(embedding_BD, dim=1)


def text_model(shape: Shape, device: torch.device) -> DualEncoder:
    """Two equal towers in training mode."""
    torch.manual_seed(0)
    return DualEncoder(TextTower(shape), TextTower(shape)).to(device).train()


def text_batch(shape: Shape, device: torch.device) -> Batch:
    """Random texts; item i is the target of query i and a negative of all others."""
    n = shape.batch
    rows = np.arange(n, dtype=np.int64)
    generator = torch.Generator().manual_seed(1)
    texts = [torch.randint(VOCABULARY, (n, shape.tokens), generator=generator).to(device) for _ in range(2)]
    return Batch(
        rows_B=rows,
        query_rows_B=rows,
        item_rows_M=rows,
        targets=Ragged(np.arange(n + 1, dtype=np.int64), rows),
        query_arrays=texts[:1],
        item_arrays=texts[1:],
        positive_BM=torch.eye(n, dtype=torch.bool, device=device),
        valid_BM=torch.ones(n, n, dtype=torch.bool, device=device),
        draws_M=torch.ones(n, dtype=torch.int64, device=device),
        logq_M=None,
        weight_B=torch.ones(n, device=device),
        grade_BM=torch.ones(n, n, device=device),
        teacher_BM=None,
        count_M=torch.ones(n, dtype=torch.int64, device=device),
    )


def peak_growth(shape: Shape, device_name: Device, chunk: int | None) -> int:
    """Bytes that one step adds at its peak; only the first call in a process tells the truth on the CPU."""
    device = torch.device(device_name)
    torch.set_num_threads(1)
    model, batch = text_model(shape, device), text_batch(shape, device)
    encode = CachedEncode(chunk) if chunk else DirectEncode()
    before = _start(device)
    Step(model, SoftmaxConfig().build(shape.width), encode)(batch)
    return _peak(device) - before


def compare_memory(shape: Shape | None = None, device: Device = "cpu") -> MemoryUse:
    """Peak growth of the direct and of the cached step, each in a fresh process."""
    shape = shape or Shape()
    return MemoryUse(_measure(shape, device, None), _measure(shape, device, shape.chunk))


def _measure(shape: Shape, device: Device, chunk: int | None) -> int:
    order = json.dumps({"shape": vars(shape), "device": device, "chunk": chunk})
    command = [sys.executable, "-m", "benchmarks.gradient_cache", "--worker", order]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True)
    return int(done.stdout)


def _start(device: torch.device) -> int:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    return _peak(device)


def _peak(device: torch.device) -> int:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")
    if status.exists():  # of this program alone; the counter of getrusage begins at that of the process that started it
        high = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(high.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _work(order: dict[str, Any]) -> None:
    shape = Shape(**order["shape"])
    # What is loaded and set up at the first step of any size is no cost of a large one.
    peak_growth(Shape(**{**order["shape"], "batch": 8}), order["device"], order["chunk"])
    print(peak_growth(shape, order["device"], order["chunk"]))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=Shape.batch)
    parser.add_argument("--chunk", type=int, default=Shape.chunk)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--worker", help="measure one step and print bytes; used by the benchmark itself")
    options = parser.parse_args(arguments)
    if options.worker:
        _work(json.loads(options.worker))
        return
    use = compare_memory(Shape(batch=options.batch, chunk=options.chunk), options.device)
    print(f"batch {options.batch}, direct: {use.direct / 2**20:,.0f} MiB")
    print(f"batch {options.batch}, chunks of {options.chunk}: {use.cached / 2**20:,.0f} MiB, {use.ratio:.1%} of it")


if __name__ == "__main__":
    main()
