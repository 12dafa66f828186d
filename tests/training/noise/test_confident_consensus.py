"""Two heads that agree about wrong pairs: found in a synthetic set, and harmless where there are none."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.training.hook_world import context_of, learn_and_resume, point_dataset, point_settings, points
from training.config import TrainConfig
from training.dataset import Dataset
from training.noise.confident_consensus import ConfidentConsensus, ConfidentConsensusConfig
from training.ragged import BoolArray
from training.splits.contract import Split

N, D, DIGEST = 600, 16, 32


def noisy(share: float, seed: int = 0) -> tuple[Dataset, BoolArray]:
    """Pairs of an item and a blurred copy of it, of which a share are exchanged; True marks the right ones."""
    rng = np.random.default_rng(seed)
    item_ND = points(N, D, seed)
    query_ND = (item_ND + 0.15 * rng.normal(size=(N, D))).astype(np.float32)
    target_N = np.arange(N)
    wrong = rng.permutation(N)[: int(share * N)]
    target_N[wrong] = np.roll(target_N[wrong], 1)
    return point_dataset(query_ND, item_ND, list(zip(range(N), target_N.tolist(), strict=True))), target_N == np.arange(
        N
    )


def settings(kind: str, **noise: Any) -> TrainConfig:
    part = {"kind": kind} if kind == "triplet_alignment" else {"kind": kind, "temperature": 0.05}
    return point_settings(
        D,
        dimension=32,
        objective={"kind": "heads", "first": part, "second": part},
        heads={},
        noise={"kind": "confident_consensus", **noise},
        trainer={"epochs": 4, "batch_size": 64, "learning_rate": 0.003},
    )


@pytest.mark.parametrize(("kind", "mode"), [("triplet_alignment", "soft"), ("softmax", "hard")])
def test_of_40_percent_wrong_pairs_the_clean_ones_are_found_and_a_stopped_run_ends_alike(
    tmp_path: Path, kind: str, mode: str
) -> None:
    """E6: precision above .9 and recall above .8 after three epochs."""
    dataset, right_N = noisy(0.4)
    everything = Split(np.arange(N), np.arange(0), np.arange(0))
    learned = learn_and_resume(settings(kind, mode=mode), dataset, everything, tmp_path, stop_after=2)
    data = (tmp_path / "select.checkpoint").read_bytes()
    stored = torch.load(io.BytesIO(data[data.index(b"\n") + 1 + DIGEST :]), weights_only=True)
    weight_N = stored["state"]["hooks"][0]["weight"].numpy()
    kept_N = weight_N > 0.5 * weight_N.max()
    assert right_N[kept_N].mean() > 0.9
    assert kept_N[right_N].mean() > 0.8
    logs = [log.logs for log in learned.logs]
    assert "clean" not in logs[0]
    assert logs[-1]["clean"] == pytest.approx(0.6, abs=0.05)
    assert logs[-1]["separation"] > 3


def test_where_all_pairs_are_right_hardly_any_loses_weight(tmp_path: Path) -> None:
    dataset, _ = noisy(0.0)
    everything = Split(np.arange(N), np.arange(0), np.arange(0))
    learned = learn_and_resume(settings("softmax"), dataset, everything, tmp_path, stop_after=2)
    assert learned.logs[-1].logs["clean"] > 0.9


def test_losses_are_those_of_the_same_pools_every_time_and_leave_the_model_alone() -> None:
    dataset, _ = noisy(0.2)
    context = context_of(dataset, settings("softmax"))
    context.model.train()
    config = ConfidentConsensusConfig(start_epoch=0, pool=256)
    before = {name: value.clone() for name, value in context.model.state_dict().items()}
    first, second = ConfidentConsensus(config, context), ConfidentConsensus(config, context)
    a, b = first._losses(), second._losses()
    np.testing.assert_array_equal(a.first_N, b.first_N)
    assert (a.first_N > 0).all() and (a.second_N > 0).all()
    assert not np.allclose(a.first_N, a.second_N)
    assert context.model.training
    assert all(torch.equal(before[name], value) for name, value in context.model.state_dict().items())


def test_the_weights_reach_the_batches_and_come_back_from_a_state() -> None:
    dataset, _ = noisy(0.2)
    context = context_of(dataset, settings("softmax"))
    hook = ConfidentConsensus(ConfidentConsensusConfig(start_epoch=0, mixture={"separation": 0}), context)
    hook.before_epoch(0)
    weight_N = hook.weight_N
    assert weight_N is not None
    rows = np.arange(40)
    found = context.batches.batch(rows, np.random.default_rng(0)).weight_B
    np.testing.assert_allclose(found.numpy(), weight_N[rows], rtol=1e-6)
    other = context_of(dataset, settings("softmax"))
    ConfidentConsensus(ConfidentConsensusConfig(), other).restore(hook.state())
    again = other.batches.batch(rows, np.random.default_rng(0)).weight_B
    assert torch.equal(found, again)
