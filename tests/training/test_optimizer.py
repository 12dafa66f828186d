import pytest
import torch
from torch import nn

from training.model import DualEncoder
from training.objectives import LossInput, LossOutput
from training.optimizer import build_optimizer, clip_gradients, rate_factor, set_rates
from training.trainer import TrainerConfig


class Pretrained(nn.Linear):
    pretrained = True


class OwnScale(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, batch: LossInput) -> LossOutput:
        raise NotImplementedError


def test_pretrained_modules_have_a_rate_of_their_own_and_the_schedule_moves_both() -> None:
    shared = Pretrained(3, 3)
    heads = nn.Linear(3, 2), nn.Linear(3, 2)
    model, objective = DualEncoder(nn.Sequential(shared, heads[0]), nn.Sequential(shared, heads[1])), OwnScale()
    config = TrainerConfig(learning_rate=1e-2, pretrained_learning_rate=1e-4, weight_decay=0.5)
    optimizer = build_optimizer(model, objective, config)
    fresh, pretrained = optimizer.param_groups
    assert {id(p) for p in pretrained["params"]} == {id(p) for p in shared.parameters()}
    assert {id(p) for p in fresh["params"]} == {id(p) for part in (*heads, objective) for p in part.parameters()}
    assert fresh["weight_decay"] == pretrained["weight_decay"] == 0.5
    set_rates(optimizer, 0.5)
    assert (fresh["lr"], pretrained["lr"]) == (5e-3, 5e-5)
    set_rates(optimizer, 1.0)
    assert (fresh["lr"], pretrained["lr"]) == (1e-2, 1e-4)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [1.0] * 10),
        ({"schedule": "linear"}, [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]),
        ({"warmup": 0.4}, [0.25, 0.5, 0.75, *[1.0] * 7]),
        ({"warmup": 0.5, "schedule": "linear"}, [0.2, 0.4, 0.6, 0.8, 1.0, 1.0, 0.8, 0.6, 0.4, 0.2]),
        ({"warmup": 0.01}, [1.0] * 10),
    ],
)
def test_rates_rise_over_the_warmup_and_then_stay_or_fall(settings: dict[str, object], expected: list[float]) -> None:
    config = TrainerConfig.model_validate(settings)
    assert [rate_factor(config, step, 10) for step in range(10)] == pytest.approx(expected)


def test_gradients_are_scaled_down_to_the_largest_norm_and_the_norm_before_is_told() -> None:
    model = DualEncoder(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
    optimizer = build_optimizer(model, OwnScale(), TrainerConfig())
    for parameter, value in zip(model.parameters(), (3.0, 4.0), strict=True):
        parameter.grad = torch.full((1, 1), value)
    assert clip_gradients(optimizer, None) == pytest.approx(5)
    assert clip_gradients(optimizer, 1.0) == pytest.approx(5)
    grads = [float(p.grad) for p in model.parameters() if p.grad is not None]
    assert grads == pytest.approx([0.6, 0.8], rel=1e-5)
