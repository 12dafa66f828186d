"""Where training runs, and how a run is made repeatable."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch
import torch.utils.deterministic as deterministic

from bundle.errors import ProviderUnavailable

DeviceName = Literal["cpu", "cuda"]


def open_device(name: DeviceName) -> torch.device:
    """The device; raises ProviderUnavailable, with the reason, when CUDA does not start."""
    if name == "cuda" and not torch.cuda.is_available():
        reason = (
            f"torch {torch.__version__} is a build without CUDA"
            if torch.version.cuda is None
            else f"torch {torch.__version__} finds no usable GPU or driver for CUDA {torch.version.cuda}"
        )
        raise ProviderUnavailable(
            f"device 'cuda' was asked for training, but {reason}; install the 'train-gpu' extra on a machine "
            'with a GPU, or set trainer.device = "cpu"',
            device=name,
        )
    return torch.device(name)


@contextmanager
def repeatable(seed: int, threads: int, device: torch.device) -> Iterator[None]:
    """Within the block equal seeds give equal weights; the caller's random state and settings come back after it."""
    old_threads, old_deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    old_fill = deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    if device.type == "cuda":  # cuBLAS repeats its sums only with a fixed workspace, read when it starts
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(True)
        # Nothing here reads what it did not write, so new memory need not be filled first.
        deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        try:
            yield
        finally:
            torch.set_num_threads(old_threads)
            torch.use_deterministic_algorithms(old_deterministic)
            deterministic.fill_uninitialized_memory = old_fill  # type: ignore[attr-defined]
