"""The loop's own decisions: which epoch is kept, when it stops, how the step size falls, what a resumed run repeats."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bundle.progress import NoProgress
from tests.training.small_data import ints
from tests.training.steps_world import NUMBERS, small_model
from tests.training.test_steps import Weighted
from tests.training.world import shop_config, write_shop
from training.batches import Batches
from training.checkpoint import CheckpointFile
from training.dataset import load_dataset
from training.errors import CheckpointNotSaved, Diverged
from training.examples import Examples
from training.learn import Learned, Learner
from training.loop import Loop, LoopState
from training.negatives.in_batch import InBatchConfig
from training.objectives import LossInput, LossOutput, Objective
from training.objectives.softmax import SoftmaxConfig
from training.ragged import IntArray, Ragged
from training.trainer import TrainerConfig


@pytest.fixture
def values(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Validation gives these values in turn, and the weights at each are kept in `seen`."""
    given: list[float] = []
    original = Loop.__init__

    def scripted(self: Loop, *args: object, **kwargs: object) -> None:
        kwargs["validate"] = lambda: {"ndcg@10": given[self.state.epoch]}
        original(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Loop, "__init__", scripted)
    return given


def learn(folder: Path, **trainer: object) -> Learned:
    config = shop_config(trainer={"refit": "none", "batch_size": 256, **trainer})
    dataset = load_dataset(config.data, write_shop(folder))
    return Learner(config, dataset, config.split.split(dataset), NoProgress()).learn()


def test_it_stops_when_patience_is_out_and_keeps_the_best_epoch(values: list[float], tmp_path: Path) -> None:
    values += [0.1, 0.3, 0.2, 0.25, 0.9]
    learned = learn(tmp_path, epochs=5, patience=2)
    assert [log.epoch for log in learned.logs] == [1, 2, 3, 4]
    assert learned.best_epoch == 2
    values[:] = [0.1, 0.3]
    short = learn(tmp_path, epochs=2, patience=2)
    weights, kept = short.model.state_dict(), learned.model.state_dict()
    assert all(torch.equal(weights[name], kept[name]) for name in weights)


def test_a_linear_schedule_changes_the_later_steps_only(tmp_path: Path) -> None:
    constant = learn(tmp_path, epochs=2, batch_size=512)  # one step an epoch
    linear = learn(tmp_path, epochs=2, batch_size=512, schedule="linear")
    assert constant.logs[0].loss == linear.logs[0].loss
    assert constant.logs[1].loss == linear.logs[1].loss  # the first step has the full size in both
    assert constant.best_epoch == linear.best_epoch or constant.logs != linear.logs


class Numbers:
    """Records of a few numbers each."""

    def __init__(self, n: int, seed: int) -> None:
        self._value_N = np.random.default_rng(seed).normal(size=(n, NUMBERS)).astype(np.float32)

    def __len__(self) -> int:
        return len(self._value_N)

    def batch(self, rows: IntArray | None = None) -> dict[str, Any]:
        return {"numbers": self._value_N if rows is None else self._value_N[rows]}


class Reweigh:
    """A hook with a random state of its own, whose decisions depend on the weights and on what it did before."""

    def __init__(self, batches: Batches, model: nn.Module) -> None:
        self._batches = batches
        self._model = model
        self._weight_N = np.ones(len(batches.examples), dtype=np.float32)

    def before_epoch(self, epoch: int) -> dict[str, float]:
        size = float(sum(parameter.detach().abs().sum() for parameter in self._model.parameters()))
        drawn_N = torch.rand(len(self._weight_N)).numpy()
        self._weight_N = (self._weight_N * 0.5 + drawn_N + 0.01 * size).astype(np.float32)
        self._batches.set_weights(self._weight_N)
        return {"weight": float(self._weight_N.mean())}

    def state(self) -> dict[str, Any]:
        return {"weight": torch.from_numpy(self._weight_N.copy())}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._weight_N = state["weight"].numpy().copy()
        self._batches.set_weights(self._weight_N)


EVERYTHING = TrainerConfig.model_validate(
    {
        "epochs": 5,
        "batch_size": 8,
        "learning_rate": 0.01,
        "warmup": 0.5,
        "schedule": "linear",
        "chunk_size": 3,
        "clip_norm": 0.5,
        "memory": {"batches": 3, "start_epoch": 1},
    }
)


def small_loop(config: TrainerConfig, objective: Objective, checkpoint: CheckpointFile | None = None) -> Loop:
    """A loop over 30 examples and 12 items, always with the same first weights."""
    targets = Ragged(np.arange(31, dtype=np.int64), ints(*(row % 12 for row in range(30))))
    ones_N = np.ones(30, dtype=np.float32)
    examples = Examples(np.arange(30, dtype=np.int64), targets, ones_N, Numbers(30, 1), 0, ones_N)  # type: ignore[arg-type]
    negatives = InBatchConfig().build(np.bincount(targets.values_V, minlength=12))
    items: Any = Numbers(12, 2)
    batches = Batches(examples, items, negatives, config.batch_size, torch.device("cpu"))
    model = small_model(torch.float32)
    return Loop(model, objective, batches, config, checkpoint=checkpoint, hooks=[Reweigh(batches, model)])


def weighted() -> Objective:
    return Weighted().float()


@pytest.mark.parametrize("stopped_after", [1, 2, 4])
def test_a_stopped_run_with_hooks_memory_own_weights_and_warmup_resumes_to_the_same_numbers(
    stopped_after: int, tmp_path: Path
) -> None:
    def finished(loop: Loop, state: LoopState) -> tuple[dict[str, Tensor], dict[str, Tensor], list[Any]]:
        assert isinstance(loop.objective, nn.Module)
        return loop.model.state_dict(), loop.objective.state_dict(), [(log.loss, log.logs) for log in state.logs]

    whole = small_loop(EVERYTHING, weighted())
    expected = finished(whole, whole.run(5, NoProgress()))
    checkpoint = CheckpointFile(tmp_path / "select.checkpoint", "run")
    small_loop(EVERYTHING, weighted(), checkpoint).run(stopped_after, NoProgress())
    torch.manual_seed(99)  # whatever the new process did before it resumed
    resumed = small_loop(EVERYTHING, weighted(), checkpoint)
    found = finished(resumed, resumed.run(5, NoProgress(), resume=True))
    for ours, theirs in zip(found[:2], expected[:2], strict=True):
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert found[2] == expected[2]
    assert resumed.memory is not None and len(resumed.memory.state()) == 3


def test_gradient_norms_and_hook_reports_are_logged() -> None:
    logs = small_loop(EVERYTHING, weighted()).run(1, NoProgress()).logs[0].logs
    assert logs["gradient_norm"] > 0
    assert logs["weight"] > 0


class Breaks:
    """The softmax, until it breaks."""

    def __init__(self, after: int, how: Callable[[Tensor], Tensor]) -> None:
        self._left, self._how, self._softmax = after, how, SoftmaxConfig().build(4)

    def __call__(self, batch: LossInput) -> LossOutput:
        self._left -= 1
        output = self._softmax(batch)
        return output if self._left >= 0 else LossOutput(self._how(output.loss), output.per_query_B)


@pytest.mark.parametrize(
    ("how", "says"),
    [
        (lambda loss: loss * torch.nan, "the loss is nan"),
        (lambda loss: (loss - loss.detach()).sqrt(), "gradient's norm"),
    ],
    ids=["loss", "gradient"],
)
def test_what_diverges_names_epoch_and_step_and_leaves_the_last_good_epoch(
    how: Callable[[Tensor], Tensor], says: str, tmp_path: Path
) -> None:
    checkpoint = CheckpointFile(tmp_path / "select.checkpoint", "run")
    config = TrainerConfig(epochs=4, batch_size=8)  # four steps an epoch
    loop = small_loop(config, Breaks(9, how), checkpoint)
    with pytest.raises(Diverged, match=rf"{says}.*step 2 of epoch 3.*select\.checkpoint.*after epoch 2"):
        loop.run(4, NoProgress())
    stored = checkpoint.load()
    assert stored is not None
    assert stored["epoch"] == 2
    assert all(value.isfinite().all() for value in stored["model"].values())


def test_weights_that_the_last_step_ruined_are_not_saved(tmp_path: Path) -> None:
    checkpoint = CheckpointFile(tmp_path / "select.checkpoint", "run")
    config = TrainerConfig(epochs=1, batch_size=32, learning_rate=1e39)  # one step
    with pytest.raises(Diverged, match="weights .* not finite after epoch 1.*nothing was saved"):
        small_loop(config, SoftmaxConfig().build(4), checkpoint).run(1, NoProgress())
    assert checkpoint.load() is None


def test_a_checkpoint_that_cannot_be_written_ends_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    checkpoint = CheckpointFile(tmp_path / "file" / "select.checkpoint", "run")
    with pytest.raises(CheckpointNotSaved, match=r"select\.checkpoint"):
        small_loop(EVERYTHING, weighted(), checkpoint).run(1, NoProgress())
