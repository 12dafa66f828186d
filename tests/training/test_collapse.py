"""Collapse is told from towers that are merely small, similar, or on their way apart.

Axes: N records, D embedding.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from bundle.progress import NoProgress
from tests.training.small_data import small_dataset
from tests.training.test_loop import small_loop
from tests.training.world import shop_config, write_shop
from training.collapse import FEWEST, Spread, check_collapse, cosine_and_rank, measure_spread
from training.dataset import load_dataset
from training.errors import Collapsed
from training.learn import Learned, Learner
from training.objectives.softmax import SoftmaxConfig
from training.towers.mlp import MlpTower
from training.trainer import TrainerConfig

APART = {"query_cosine": 0.3, "query_rank": 9.0, "item_cosine": 0.2, "item_rank": 8.0}


def test_cosine_and_rank_of_known_embeddings() -> None:
    same_ND = torch.tensor([[1.0, 2.0, 0.0]]).repeat(40, 1)
    assert cosine_and_rank(same_ND) == pytest.approx((1, 1))
    signs_ND = torch.tensor([[1.0, 0.0, 0.0], [-3.0, 0.0, 0.0]]).repeat(20, 1)
    cosine, rank = cosine_and_rank(signs_ND)
    assert (cosine, rank) == pytest.approx((-1 / 39, 1))
    axes_ND = torch.eye(3).repeat(10, 1)
    assert cosine_and_rank(axes_ND) == pytest.approx((9 / 29, 3))


@pytest.mark.parametrize("numbers", [{"item_cosine": 0.995, "item_rank": 1.4}, {"item_cosine": 0.0, "item_rank": 1.01}])
def test_one_vector_and_one_axis_are_collapses(numbers: dict[str, float]) -> None:
    with pytest.raises(Collapsed, match="after epoch 3 the item tower.*features differ.*saved elsewhere") as caught:
        check_collapse(APART, APART | numbers, 3, "saved elsewhere")
    assert caught.value.context["tower"] == "item"


def test_embeddings_that_move_apart_are_let_go_on() -> None:
    before = APART | {"query_cosine": 0.9999, "query_rank": 1.1}
    check_collapse(before, APART | {"query_cosine": 0.995, "query_rank": 1.3}, 1, "")
    with pytest.raises(Collapsed):
        check_collapse(before, before, 1, "")


def test_the_sample_is_encoded_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole sample at once can need more memory than a step of training."""
    monkeypatch.setattr("training.collapse.FEWEST", 4)
    loop = small_loop(TrainerConfig(batch_size=8), SoftmaxConfig().build(4))
    sizes: list[int] = []
    loop.model.query.register_forward_pre_hook(lambda _, arrays: sizes.append(len(arrays[0])))
    whole, chunked = (measure_spread(loop.model, loop.batches, 0, torch.device("cpu"), size)() for size in (512, 7))
    assert sizes == [30, 7, 7, 7, 7, 2]
    assert chunked == pytest.approx(whole)


@pytest.mark.parametrize(("trainer", "size"), [({"chunk_size": 7}, 7), ({"batch_size": 16}, 16)])
def test_a_chunk_is_what_training_encodes_at_once(
    trainer: dict[str, int], size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[object] = []

    def measure(*arguments: object) -> Spread:
        given.append(arguments[-1])
        return dict

    monkeypatch.setattr("training.learn.measure_spread", measure)
    learn(tmp_path, epochs=1, **trainer)
    assert given == [size]


def test_what_was_not_measured_is_no_collapse() -> None:
    check_collapse({}, {}, 1, "")


def learn(folder: Path, **trainer: object) -> Learned:
    config = shop_config(trainer={"refit": "none", "epochs": 2, **trainer})
    dataset = load_dataset(config.data, write_shop(folder))
    return Learner(config, dataset, config.split.split(dataset), NoProgress(), folder / "checkpoints").learn()


def test_a_healthy_run_logs_its_spread(tmp_path: Path) -> None:
    logs = learn(tmp_path).logs[-1].logs
    assert -0.1 < logs["item_cosine"] < 0.9
    assert 2 < logs["query_rank"] <= 16


def test_a_tower_that_falls_together_stops_the_run_and_keeps_the_epoch_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Before the first epoch, after it, after the second.
    spreads = iter([APART, APART, APART | {"item_cosine": 0.999}])
    monkeypatch.setattr("training.learn.measure_spread", lambda *_: lambda: next(spreads))
    with pytest.raises(
        Collapsed, match=r"epoch 2 the item tower.*select\.checkpoint holds the run as it was after epoch 1"
    ):
        learn(tmp_path)
    assert (tmp_path / "checkpoints" / "select.checkpoint").is_file()


def two_kinds(n_items: int, item_columns: dict[str, list[object]]) -> Learned:
    """A catalogue whose items differ in a colour only, or hardly at all, learned to the end."""
    rng = np.random.default_rng(0)
    pairs = [(query, int(rng.integers(n_items // 2)) * 2 + query % 2) for _ in range(6) for query in range(20)]
    dataset = small_dataset(pairs, seconds=range(len(pairs)), n_items=n_items, item_columns=item_columns)  # type: ignore[arg-type]
    config = shop_config(
        features={
            "query": [{"kind": "category", "name": "query_id"}],
            "item": [{"kind": "category", "name": name} for name in item_columns]
            or [{"kind": "category", "name": "item_id"}],
        },
        examples={"history_feature": None},
        trainer={"epochs": 8, "learning_rate": 0.1, "refit": "none", "patience": 8, "batch_size": 16},
        dimension=2,
    )
    return Learner(config, dataset, config.split.split(dataset), NoProgress()).learn()


def test_many_records_of_few_kinds_and_small_catalogues_are_no_collapse() -> None:
    of_colours = two_kinds(60, {"colour": ["red", "blue"] * 30})
    assert "item_rank" not in of_colours.logs[-1].logs  # two different records say nothing
    small = two_kinds(FEWEST - 2, {})
    assert "item_rank" not in small.logs[-1].logs


def test_towers_that_cannot_tell_records_apart_collapse(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    forward = MlpTower.forward

    def deaf(self: MlpTower, *arrays: Tensor) -> Tensor:
        one_D = torch.nn.functional.normalize(torch.ones(16), dim=0)
        return torch.nn.functional.normalize(1e-3 * forward(self, *arrays) + one_D, dim=1)

    monkeypatch.setattr(MlpTower, "forward", deaf)
    with pytest.raises(Collapsed, match="after epoch 1 the (query|item) tower.*nothing was saved"):
        learn(tmp_path)
