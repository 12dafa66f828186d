"""What every click model promises, and each by hand."""

import math
from collections.abc import Callable
from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn

from training.click_models import ClickModelConfig
from training.click_models.contract import ClickLoss
from training.click_models.dla import DualLearningLoss
from training.click_models.ipw import IpwConfig, IpwLoss
from training.click_models.log import ClickLog
from training.click_models.naive import NaiveLoss
from training.errors import BadData

HALVES = np.array([1.0, 0.5, 0.25], dtype=np.float32)
CLICK = torch.tensor([[True, False, True]])
ALL = torch.ones(1, 3, dtype=torch.bool)
PLACES = torch.tensor([[1, 2, 3]])


def a_log(n_places: int = 3, propensities: list[float] | None = None) -> ClickLog:
    click = np.zeros((1, n_places), dtype=np.bool_)
    click[0, 0] = True
    return ClickLog(
        np.arange(n_places)[None],
        click,
        np.ones((1, n_places), dtype=np.bool_),
        np.arange(1, n_places + 1)[None],
        n_places,
        None if propensities is None else np.array([propensities], dtype=np.float32),
    )


def learned() -> DualLearningLoss:
    """Propensities 1, 1/2, 1/4, which is the softmax (4, 2, 1) / 7."""
    loss = DualLearningLoss(3, 100.0)
    with torch.no_grad():
        loss.examination_P.copy_(torch.from_numpy(HALVES).log())
    return loss


LOSSES: dict[str, Callable[[], ClickLoss]] = {
    "naive": lambda: NaiveLoss(3),
    "ipw": lambda: IpwLoss(HALVES, 100.0),
    "ipw-by-lists": lambda: IpwLoss(HALVES, 100.0, self_normalised=False),
    "dla": learned,
}
every = pytest.mark.parametrize("make", LOSSES.values(), ids=LOSSES)


def test_naive_by_hand() -> None:
    """Clicks on scores 2 and 0 of (2, 1, 0): log(e^2 + e + 1) = 2.407606, less the mean of 2 and 0."""
    assert NaiveLoss(3)(torch.tensor([[2.0, 1.0, 0.0]]), CLICK, ALL, PLACES).item() == pytest.approx(1.407606)


def test_inverse_propensities_by_hand() -> None:
    """Propensities (4, 2, 1) / 7, clicks at places 1 and 3: weights 1 and 4, all scores 0: 5 ln 3, or ln 3."""
    score = torch.zeros(1, 3)
    assert LOSSES["ipw-by-lists"]()(score, CLICK, ALL, PLACES).item() == pytest.approx(5 * math.log(3))
    assert LOSSES["ipw"]()(score, CLICK, ALL, PLACES).item() == pytest.approx(math.log(3))
    cut = IpwLoss(HALVES, 2.0, self_normalised=False)
    assert cut(score, CLICK, ALL, PLACES).item() == pytest.approx(3 * math.log(3))


def test_dual_learning_by_hand() -> None:
    """Scores (0, 0, ln 2) are relevance (1, 1, 2) / 4, so the click at place 3 weighs 1/2 against that at place 1.

    Ranking: weights 1 and 4 on -log of 1/4 and 1/2, over 5. Propensity: weights 1 and 1/2 on -log of 4/7 and 1/7,
    over 3/2.
    """
    score = torch.tensor([[0.0, 0.0, math.log(2)]])
    ranking = (math.log(4) + 4 * math.log(2)) / 5
    propensity = (math.log(7 / 4) + 0.5 * math.log(7)) / 1.5
    assert learned()(score, CLICK, ALL, PLACES).item() == pytest.approx(ranking + propensity)
    assert learned().propensities().tolist() == pytest.approx([1, 0.5, 0.25])


def test_no_gradient_passes_through_a_weight() -> None:
    """The trap: either model could lower its loss through the other's weights.

    The gradient that the scorer gets is that of the ranking loss at fixed weights, softmax less the weighted share of
    the clicks, and the propensities get theirs in the same way.
    """
    loss = learned()
    score = torch.tensor([[0.0, 0.0, math.log(2)]], requires_grad=True)
    loss(score, CLICK, ALL, PLACES).backward()
    assert score.grad is not None and loss.examination_P.grad is not None
    relevance, examination = np.array([1, 1, 2]) / 4, np.array([4, 2, 1]) / 7
    assert score.grad[0].tolist() == pytest.approx(relevance - np.array([1, 0, 4]) / 5, abs=1e-6)
    assert loss.examination_P.grad.tolist() == pytest.approx(examination - np.array([1, 0, 0.5]) / 1.5, abs=1e-6)


def test_a_list_that_does_not_begin_at_the_first_place_counts_from_its_own_first() -> None:
    score = torch.tensor([[math.log(2), 0.0]])
    click, mask, places = torch.tensor([[False, True]]), torch.ones(1, 2, dtype=torch.bool), torch.tensor([[2, 3]])
    # One click: its weights cancel. Relevance (2, 1) / 3 and, of the two places, propensities (2, 1) / 3.
    assert learned()(score, click, mask, places).item() == pytest.approx(2 * math.log(3))


def seen(rng: np.random.Generator, n_lists: int = 6) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    lengths = rng.integers(1, 4, n_lists)
    mask = np.arange(3) < lengths[:, None]
    place = np.where(mask, np.arange(1, 4), 0)
    score = torch.from_numpy(rng.normal(size=mask.shape).astype(np.float32))
    click = torch.from_numpy(rng.random(mask.shape) < 0.5) & torch.from_numpy(mask)
    return score, click, torch.from_numpy(mask), torch.from_numpy(place)


@every
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_neither_the_order_of_columns_nor_of_lists_matters(make: Callable[[], ClickLoss], seed: int) -> None:
    rng, loss = np.random.default_rng(seed), make()
    batch = seen(rng)
    columns, lists = torch.from_numpy(rng.permutation(3)), torch.from_numpy(rng.permutation(6))
    moved = [tensor[lists][:, columns] for tensor in batch]
    assert loss(*moved).item() == pytest.approx(loss(*batch).item(), rel=1e-5, abs=1e-6)
    shifted = loss(batch[0] + torch.from_numpy(rng.normal(size=(6, 1)).astype(np.float32)), *batch[1:])
    assert shifted.item() == pytest.approx(loss(*batch).item(), rel=1e-4, abs=1e-5)


@every
def test_padding_and_lists_without_a_click_change_nothing(make: Callable[[], ClickLoss]) -> None:
    loss, batch = make(), seen(np.random.default_rng(5))
    expected = loss(*batch).item()
    junk = [torch.full((6, 2), value) for value in (1e9, True, False, 0)]
    wide = [torch.cat([a, b.to(a.dtype)], 1) for a, b in zip(batch, junk, strict=True)]
    assert loss(*wide).item() == pytest.approx(expected)
    quiet = seen(np.random.default_rng(6))
    quiet = (quiet[0], torch.zeros_like(quiet[1]), *quiet[2:])
    assert loss(*(torch.cat(pair) for pair in zip(batch, quiet, strict=True))).item() == pytest.approx(expected)


@every
@pytest.mark.parametrize("size", [1e4, 1e30])
def test_large_scores_keep_loss_and_gradient_finite_in_float32(make: Callable[[], ClickLoss], size: float) -> None:
    score = torch.tensor([[-size, 0.0, size], [size, -size, 0.0]], requires_grad=True)
    click, mask = CLICK.repeat(2, 1), ALL.repeat(2, 1)
    loss = make()
    value = loss(score, click, mask, PLACES.repeat(2, 1))
    value.backward()  # type: ignore[no-untyped-call]
    gradients = [score.grad, *(weight.grad for weight in loss.parameters())]
    assert bool(torch.isfinite(value))
    assert all(gradient is not None and bool(torch.isfinite(gradient).all()) for gradient in gradients)


@every
def test_half_precision_is_summed_in_float32(make: Callable[[], ClickLoss]) -> None:
    score, *rest = seen(np.random.default_rng(7))
    half = score.bfloat16()
    assert make()(half, *rest).dtype == torch.float32
    assert make()(half, *rest).item() == pytest.approx(make()(half.float(), *rest).item())


def test_every_kind_is_built_from_its_settings_and_the_log() -> None:
    kinds = [config.model_fields["kind"].default for config in get_args(get_args(ClickModelConfig)[0])]
    assert all(any(name.startswith(kind) for name in LOSSES) for kind in kinds)
    adapter: TypeAdapter[ClickModelConfig] = TypeAdapter(ClickModelConfig)
    log = a_log(3, [0.8, 0.4, 0.2])
    built = {kind: adapter.validate_python({"kind": kind}).build(log) for kind in kinds}
    assert all(isinstance(loss, nn.Module) for loss in built.values())
    assert built["naive"].propensities().tolist() == built["dla"].propensities().tolist() == [1, 1, 1]
    assert built["ipw"].propensities().tolist() == pytest.approx([1, 0.5, 0.25])


def test_given_propensities_need_every_place_and_lie_between_zero_and_one() -> None:
    assert IpwConfig(propensities=(0.5, 0.25, 0.1, 0.1)).build(a_log()).propensities()[:2].tolist() == [1, 0.5]
    with pytest.raises(BadData, match="has 2 places, but the click log shows items at place 3"):
        IpwConfig(propensities=(1.0, 0.5)).build(a_log())
    with pytest.raises(ValidationError, match="above 0 and at most 1"):
        IpwConfig(propensities=(1.0, 0.0))
    with pytest.raises(BadData, match="no column 'propensity'"):
        IpwConfig().build(a_log())
