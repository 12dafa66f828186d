"""E11: the gradient cache gives the direct gradient in a fraction of its memory."""

import torch

from benchmarks.experiments.contract import Experiment, Measured, Summary
from benchmarks.gradient_cache import Shape, compare_memory, text_batch, text_model
from training.objectives.softmax import SoftmaxConfig
from training.steps import CachedEncode, DirectEncode, Step


def largest_difference(shape: Shape) -> float:
    """Largest difference of any parameter's gradient, relative to the largest gradient; without dropout.

    With dropout both are right, but draw other masks; tests/training/test_steps.py compares them with equal masks.
    """
    cpu, gradients = torch.device("cpu"), []
    for encode in (DirectEncode(), CachedEncode(shape.chunk)):
        model, batch = text_model(shape, cpu), text_batch(shape, cpu)
        Step(model.eval(), SoftmaxConfig().build(shape.width), encode)(batch)
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]))
    direct, cached = gradients
    return float((direct - cached).abs().max() / direct.abs().max())


def _run(seed: int) -> Measured:
    large = compare_memory(Shape(batch=2048, chunk=64))
    small = compare_memory(Shape(batch=512, chunk=64))
    return {
        "batch-512": {"memory-share": small.ratio},
        "batch-2048": {"memory-share": large.ratio, "direct-mib": large.direct / 2**20},
        "batch-512-gradients": {"largest-difference": largest_difference(Shape(batch=512, chunk=64))},
    }


def _holds(s: Summary) -> bool:
    share = s.mean["batch-2048"]["memory-share"]
    return share < 0.4 and s.mean["batch-512-gradients"]["largest-difference"] < 1e-4


E11 = Experiment(
    "e11-gradient-cache",
    "at batch 2,048 the cached step takes under 40 % of the direct step's memory, and its gradients are the same",
    _run,
    _holds,
)
