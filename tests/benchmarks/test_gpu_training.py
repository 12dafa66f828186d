from pathlib import Path

import pytest
import torch

from benchmarks import gpu_training
from benchmarks.gpu_training import Trial, main, matmul_rate, measure, step_operations
from benchmarks.gradient_cache import Shape
from benchmarks.report import FOLDER

CPU = torch.device("cpu")
SMALL = Shape(tokens=4, width=16, layers=1, heads=2)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_without_a_gpu_it_says_so_and_writes_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu_training, "write_benchmark", lambda *_: pytest.fail("it wrote"))
    before = {path: path.stat().st_mtime_ns for path in Path(FOLDER).glob("gpu_training*")}
    main([])
    assert "no GPU" in capsys.readouterr().out
    assert before == {path: path.stat().st_mtime_ns for path in Path(FOLDER).glob("gpu_training*")}


@pytest.mark.parametrize("trial", [Trial(32, "fp32"), Trial(32), Trial(32, chunk=8)], ids=lambda trial: trial.name)
def test_each_way_is_measured(trial: Trial) -> None:
    found = measure(trial, SMALL, CPU, 2, matmul_rate(CPU, size=64, repeats=2))
    assert found["examples_per_s"] == pytest.approx(32_000 / found["step_time"])
    assert found["matmul_share"] > 0


def test_operations_are_those_of_forward_and_twice_that_backward() -> None:
    width, tokens, heads = 16, 4, 2
    layer = 2 * tokens * (4 * width**2 + 8 * width**2) + 2 * heads * 2 * tokens**2 * (width // heads)
    towers = step_operations(SMALL, CPU)
    # Three times a forward pass in each tower, but nothing flows back into the token numbers; the loss has its own.
    assert towers == pytest.approx(2 * 3 * layer, rel=0.05)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_bfloat16_is_faster_on_a_gpu() -> None:
    device = torch.device("cuda")
    rate = matmul_rate(device)
    half, whole = (
        measure(Trial(256, precision), gpu_training.TOWERS, device, 5, rate) for precision in ("bf16", "fp32")
    )
    assert half["examples_per_s"] > 1.5 * whole["examples_per_s"]
