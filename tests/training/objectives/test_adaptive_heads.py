"""Heads with pair-adaptive temperatures."""

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import normalize

from tests.contracts.objective import batch
from tests.training.objectives.one_query import close
from training.objectives.adaptive_heads import AdaptiveHeads, AdaptiveHeadsConfig, variance_cost
from training.objectives.decoupled_softmax import DecoupledSoftmax


def built(config: AdaptiveHeadsConfig, dimension: int = 4, seed: int = 0) -> AdaptiveHeads:
    torch.manual_seed(seed)
    return config.build(dimension)


@pytest.mark.parametrize(("cosine", "penalty", "width", "best"), [(0.9, 1.0, 4, 0.05), (0.05, 0.1, 8, 0.125)])
def test_the_best_temperature_of_a_target_is_the_closed_form(
    cosine: float, penalty: float, width: int, best: float
) -> None:
    """tau = 2 (b - cosine) / (b E)."""
    tau = torch.tensor(best, dtype=torch.float64, requires_grad=True)
    cost = -cosine / tau + penalty * variance_cost(tau, width)
    close(torch.autograd.grad(cost, tau)[0], 0.0, atol=1e-9)
    for other in (best * 0.9, best * 1.1):
        assert -cosine / other + penalty * variance_cost(torch.tensor(other), width) > cost


def test_the_gradient_on_a_temperature_is_the_one_by_hand() -> None:
    """(cosine - b) / tau^2 + b E / (2 tau) at cosine .3, b .1, E 4, tau .2: 5 + 1."""
    tau = torch.tensor(0.2, dtype=torch.float64, requires_grad=True)
    close(torch.autograd.grad(-0.3 / tau + 0.1 * variance_cost(tau, 4), tau)[0], 6.0)


def test_one_head_of_constant_temperature_without_penalty_is_info_nce() -> None:
    config = AdaptiveHeadsConfig(heads=1, head_dimension=4, floor=0.05, ceiling=0.05, penalty=0)
    given = replace(batch(dtype=torch.float64), logq_M=None)
    expected = DecoupledSoftmax(0.05)(given)
    output = built(config)(given)
    torch.testing.assert_close(output.per_query_B, expected.per_query_B, rtol=1e-5, atol=1e-5)
    close(output.logs["target_temperature"], 0.05)


def test_before_training_every_pair_has_the_configured_temperature() -> None:
    logs = built(AdaptiveHeadsConfig(temperature=0.3))(batch()).logs
    close(logs["target_temperature"], 0.3)
    close(logs["negative_temperature"], 0.3)


def test_temperatures_stay_between_floor_and_ceiling_whatever_the_weights() -> None:
    for offset, bound in ((-50.0, 0.05), (50.0, 0.5)):
        objective = built(AdaptiveHeadsConfig(floor=0.05, ceiling=0.5))
        with torch.no_grad():
            objective.offset.fill_(offset)
        logs = objective(batch()).logs
        close(logs["target_temperature"], bound, atol=1e-5)
        close(logs["negative_temperature"], bound, atol=1e-5)


def test_training_the_weights_alone_lowers_the_loss_and_all_of_them_learn() -> None:
    objective, given = built(AdaptiveHeadsConfig(heads=2)), batch(32, 64, 4)
    before = {name: value.detach().clone() for name, value in objective.named_parameters()}
    first = float(objective(given).loss.detach())
    optimizer = torch.optim.Adam(objective.parameters(), lr=0.02)
    for _ in range(60):
        optimizer.zero_grad()
        objective(given).loss.backward()
        optimizer.step()
    assert float(objective(given).loss.detach()) < 0.9 * first
    assert all(not torch.equal(before[name], value) for name, value in objective.named_parameters())


def test_with_trained_maps_and_penalty_it_is_the_formula_pair_by_pair() -> None:
    objective = built(AdaptiveHeadsConfig(heads=2, penalty=0.3, floor=0.1))
    with torch.no_grad():
        objective.item_map_ER.copy_(torch.randn(objective.item_map_ER.shape))
    given = batch(dtype=torch.float64)
    assert given.draws_M is not None
    expected = []
    for row in range(5):
        of_heads = []
        for head_DE in objective.head_CDE.detach().double():
            q, x = normalize(given.query_BD[row] @ head_DE, dim=0), normalize(given.item_MD @ head_DE)
            left, right = (value.detach().double() for value in (objective.query_map_ER, objective.item_map_ER))
            phi = torch.stack([(q @ left) @ (item @ right) for item in x]) + objective.offset.detach().double()
            tau = 0.1 + 0.9 * phi.sigmoid()
            z, omega = x @ q / tau, 1 / tau + tau.log()  # heads of width 2
            target = given.positive_BM[row] & given.valid_BM[row]
            times = given.draws_M * (given.valid_BM[row] & ~given.positive_BM[row])
            mass = (times * z.exp()).sum()
            loss = (1 + mass / z[target].exp()).log().mean()
            of_heads.append(loss + 0.3 * (omega[target].mean() - (times * omega).sum() / times.sum()))
        expected.append(torch.stack(of_heads).mean())
    torch.testing.assert_close(objective(given).per_query_B, torch.stack(expected))


def test_equal_seeds_give_equal_heads_of_half_the_width() -> None:
    one, two = built(AdaptiveHeadsConfig(), 6), built(AdaptiveHeadsConfig(), 6)
    assert one.head_CDE.shape == (3, 6, 3)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"floor": 0.01}, "greater than or equal to 0.02"),
        ({"ceiling": 2.0}, "less than or equal to 1"),
        ({"floor": 0.5, "ceiling": 0.4}, "above ceiling"),
        ({"temperature": 0.9, "ceiling": 0.5}, "temperature = 0.9 is not from"),
        ({"logq": "classic"}, "temperature of its own"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        AdaptiveHeadsConfig.model_validate(settings)
