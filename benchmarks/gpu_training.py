"""Training speed on a GPU: examples a second, share of the measured matmul rate, and peak memory.

python -m benchmarks.gpu_training [--steps 20] [--quick]
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.gradient_cache import Shape, text_batch, text_model
from benchmarks.report import Row, write_benchmark
from training.objectives.softmax import SoftmaxConfig
from training.optimizer import build_optimizer
from training.steps import CachedEncode, DirectEncode, Step
from training.steps.direct import Precision
from training.trainer import TrainerConfig

TASK = "transformer-towers"
PREAMBLE = """
Two transformer towers of 6 layers, width 384, 12 heads, texts of 64 tokens with dropout .1, in-batch softmax over the
whole batch, AdamW. A step is encoding, loss, backward and update; the mean is over {steps} steps after 5 to warm up.
`bf16` is autocast in the towers, with weights, loss and optimizer in float32; `fp32` is torch's default, without TF32.
`chunk-<n>` is the gradient cache with chunks of n records. `matmul_share` is the floating-point operations that the
direct step needs, over the time that the step took, over the rate of one bfloat16 matrix product of 8192 measured in
the same run: the second forward pass of the gradient cache counts as time only. `peak_memory` is what torch allocated
at most, weights and optimizer among it.
"""
TOWERS = Shape(tokens=64, width=384, layers=6, heads=12)


@dataclass(frozen=True)
class Trial:
    """One way to train."""

    batch: int
    precision: Precision = "bf16"
    chunk: int | None = None

    @property
    def name(self) -> str:
        """The slug of the method."""
        chunk = f"-chunk-{self.chunk}" if self.chunk else ""
        return f"{self.precision}-batch-{self.batch}{chunk}"


TRIALS = (
    Trial(256, "fp32"),
    Trial(256),
    Trial(1024, "fp32"),
    Trial(1024),
    Trial(4096),
    Trial(4096, chunk=512),
    Trial(16384, chunk=512),
    Trial(16384, chunk=2048),
)


def matmul_rate(device: torch.device, size: int = 8192, repeats: int = 20) -> float:
    """Operations a second of one bfloat16 product of two square matrices."""
    left, right = (torch.randn(size, size, device=device).to(torch.bfloat16) for _ in range(2))
    for _ in range(3):
        left @ right
    seconds = _seconds(device, lambda: left @ right, repeats)
    return 2 * size**3 / seconds


def measure(trial: Trial, towers: Shape, device: torch.device, steps: int, rate: float) -> dict[str, float]:
    """Examples a second, share of `rate`, peak memory in GiB and milliseconds a step."""
    model, batch = text_model(towers, device), text_batch(replace(towers, batch=trial.batch), device)
    objective = SoftmaxConfig().build(towers.width)
    encode = CachedEncode(trial.chunk, trial.precision) if trial.chunk else DirectEncode(trial.precision)
    step, optimizer = Step(model, objective, encode), build_optimizer(model, objective, TrainerConfig())

    def train() -> None:
        optimizer.zero_grad(set_to_none=True)
        step(batch)
        optimizer.step()

    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    for _ in range(5):
        train()
    seconds = _seconds(device, train, steps)
    peak = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0
    return {
        "examples_per_s": trial.batch / seconds,
        "matmul_share": step_operations(towers, device) * trial.batch / seconds / rate,
        "peak_memory": peak / 2**30,
        "step_time": seconds * 1000,
    }


def step_operations(towers: Shape, device: torch.device) -> float:
    """Floating-point operations of a direct step for each example, without the loss's own product."""
    few = replace(towers, batch=16)
    model, batch = text_model(few, device), text_batch(few, device)
    with FlopCounterMode(display=False) as counter, torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        Step(model, SoftmaxConfig().build(few.width), DirectEncode())(batch)
    return float(counter.get_total_flops()) / few.batch


def _seconds(device: torch.device, work: Callable[[], object], repeats: int) -> float:
    _wait(device)
    started = time.perf_counter()
    for _ in range(repeats):
        work()
    _wait(device)
    return (time.perf_counter() - started) / repeats


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write docs/benchmarks/gpu_training.json and .md; without a GPU say so and write nothing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=20, help="steps that are timed")
    parser.add_argument("--quick", action="store_true", help="the small batches only, nothing written")
    options = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        print("no GPU: this benchmark measures training on CUDA, and torch finds no device; nothing was written")
        return
    device = torch.device("cuda")
    rate = matmul_rate(device)
    print(f"{torch.cuda.get_device_name(device)}: one bfloat16 matrix product runs at {rate / 1e12:,.1f} TFLOP/s")
    rows = [Row(TASK, "matmul", "rate", rate / 1e12, unit="TFLOP/s")]
    units = {"examples_per_s": "1/s", "matmul_share": "", "peak_memory": "GiB", "step_time": "ms"}
    for trial in [trial for trial in TRIALS if not options.quick or trial.batch <= 1024]:
        found = measure(trial, TOWERS, device, options.steps, rate)
        print(f"{trial.name:<24} " + "  ".join(f"{name} {value:,.4g}" for name, value in found.items()))
        rows += [Row(TASK, trial.name, name, value, unit=units[name]) for name, value in found.items()]
    if not options.quick:
        print(f"wrote {write_benchmark('gpu_training', rows, PREAMBLE.format(steps=options.steps))}")


if __name__ == "__main__":
    main()
