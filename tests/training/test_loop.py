"""The loop's own decisions: which epoch is kept, when it stops, how the step size falls."""

from pathlib import Path

import pytest
import torch

from bundle.progress import NoProgress
from tests.training.world import shop_config, write_shop
from training.dataset import load_dataset
from training.learn import Learned, Learner
from training.loop import Loop


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
