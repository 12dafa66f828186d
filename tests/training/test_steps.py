"""The ways to a batch's gradients: equal to each other, whatever the objective, and cheaper where they should be.

Axes: B queries, M items of the pool, D embedding.
"""

from copy import deepcopy
from dataclasses import replace
from typing import get_args

import pytest
import torch
from torch import Tensor, nn

from tests.training.steps_world import NUMBERS, gradients, small_batch, small_model
from training.objectives import LossInput, LossOutput, Objective
from training.objectives.single import SingleObjective
from training.steps import CachedEncode, DirectEncode, Encode, Step
from training.steps.cached import RandomState

KINDS = {config.model_fields["kind"].default: config for config in get_args(SingleObjective)}


class Weighted(nn.Module):
    """An objective with weights of its own: cross-entropy with a learned scale and a learned map of the queries."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.map_DD = nn.Parameter(torch.randn(4, 4, generator=generator, dtype=torch.float64))
        self.log_scale = nn.Parameter(torch.zeros((), dtype=torch.float64))

    def forward(self, batch: LossInput) -> LossOutput:
        score_BM = batch.query_BD @ self.map_DD.to(batch.query_BD.dtype) @ batch.item_MD.T * self.log_scale.exp()
        loss_B = score_BM.masked_fill(~batch.valid_BM, -torch.inf).logsumexp(1) - (
            (score_BM * batch.positive_BM).sum(1) / batch.positive_BM.sum(1)
        )
        return LossOutput(loss_B.mean(), loss_B)


def made(kind: str) -> Objective:
    return Weighted() if kind == "weighted" else KINDS[kind]().build(4)


def one_step(
    encode: Encode, objective: Objective, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, dict[str, Tensor]]:
    """Loss and gradients of the same batch on the same weights under the same random numbers."""
    model, objective = small_model(dtype).train(), deepcopy(objective)
    if isinstance(objective, nn.Module):
        objective.to(dtype)
    torch.manual_seed(5)
    loss = Step(model, objective, encode)(small_batch(dtype)).loss.detach()
    own = [objective] if isinstance(objective, nn.Module) else []
    return loss, gradients(model, *own)


@pytest.mark.parametrize("kind", [*KINDS, "weighted"])
@pytest.mark.parametrize("chunk_size", [1, 2, 4, 100])
def test_the_gradient_cache_gives_the_direct_gradients_with_dropout_on(kind: str, chunk_size: int) -> None:
    loss, direct = one_step(DirectEncode(), made(kind))
    cached_loss, cached = one_step(CachedEncode(chunk_size), made(kind))
    torch.testing.assert_close(cached_loss, loss, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(cached, direct, rtol=1e-10, atol=1e-12)
    assert any(gradient.abs().max() > 1e-3 for gradient in direct.values())


@pytest.mark.parametrize("kind", ["softmax", "decoupled_softmax", "weighted"])
def test_the_gradient_cache_gives_the_direct_gradients_in_float32(kind: str) -> None:
    _, direct = one_step(DirectEncode(), made(kind), torch.float32)
    _, cached = one_step(CachedEncode(2), made(kind), torch.float32)
    torch.testing.assert_close(cached, direct, rtol=1e-5, atol=1e-6)


def test_without_the_random_state_of_each_chunk_the_gradients_would_be_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    _, direct = one_step(DirectEncode(), made("softmax"))
    monkeypatch.setattr(RandomState, "set", lambda self, device: None)
    _, cached = one_step(CachedEncode(2), made("softmax"))
    assert max(float((cached[name] - direct[name]).abs().max()) for name in direct) > 1e-2


def test_random_numbers_go_on_as_if_each_record_had_been_encoded_once() -> None:
    after = []
    for encode in (DirectEncode(), CachedEncode(2)):
        one_step(encode, made("softmax"))
        after.append(torch.rand(3))
    assert torch.equal(after[0], after[1])


def test_the_step_gives_the_gradients_of_one_plain_backward_pass() -> None:
    model, batch, objective = small_model(dropout=False), small_batch(), made("softmax")
    loss = Step(model, objective, DirectEncode())(batch).loss
    found = gradients(model)
    model.zero_grad()
    given = {name: getattr(batch, name) for name in LossInput.__dataclass_fields__ if hasattr(batch, name)}
    plain = objective(LossInput(model.query(*batch.query_arrays), model.item(*batch.item_arrays), **given)).loss
    plain.backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(loss, plain)
    torch.testing.assert_close(found, gradients(model), rtol=1e-12, atol=1e-14)


class Shrinking(nn.Linear):
    """A layer that wants small weights."""

    def own_loss(self) -> dict[str, torch.Tensor]:
        return {"shrink": 0.5 * self.weight.square().sum()}


@pytest.mark.parametrize("encode", [DirectEncode(), CachedEncode(2)], ids=["direct", "cached"])
def test_a_loss_of_a_tower_s_own_joins_that_of_the_step(encode: Encode) -> None:
    plain, model = small_model(dropout=False), small_model(dropout=False)
    layer = Shrinking(NUMBERS, 8, dtype=torch.float64)
    layer.load_state_dict(model.item.hidden.state_dict())  # type: ignore[union-attr]
    model.item.hidden = layer
    outputs = [Step(m, made("softmax"), encode)(small_batch()) for m in (plain, model)]
    shrink = 0.5 * float(layer.weight.detach().square().sum())
    assert float(outputs[1].loss.detach()) == pytest.approx(float(outputs[0].loss.detach()) + shrink)
    assert float(outputs[1].logs["loss/shrink"]) == pytest.approx(shrink)
    before, after = gradients(plain), gradients(model)
    name = next(key for key, value in after.items() if not torch.allclose(value, before[key]))
    torch.testing.assert_close(after[name], before[name] + layer.weight.detach())


@pytest.mark.parametrize("encode", [DirectEncode(), CachedEncode(2)], ids=["direct", "cached"])
def test_a_tower_that_is_not_trained_gets_no_gradient(encode: Encode) -> None:
    model = small_model()
    model.item.requires_grad_(False)
    Step(model, made("softmax"), encode)(small_batch())
    assert all(parameter.grad is None for parameter in model.item.parameters())
    gradients(model.query)


@pytest.mark.parametrize("chunk_size", [None, 2])
def test_bfloat16_stays_inside_the_towers(chunk_size: int | None) -> None:
    model, batch = small_model(torch.float32, dropout=False), small_batch(torch.float32)
    seen: list[torch.dtype] = []
    model.query.out.register_forward_hook(lambda *call: seen.append(call[-1].dtype))  # type: ignore[union-attr]
    objective = made("softmax")

    def watched(batch: LossInput) -> LossOutput:
        assert batch.query_BD.dtype == batch.item_MD.dtype == torch.float32
        assert not torch.is_autocast_enabled("cpu")
        return objective(batch)

    half = CachedEncode(chunk_size, "bf16") if chunk_size else DirectEncode("bf16")
    loss = Step(model, watched, half)(batch).loss
    found = gradients(model)
    assert set(seen) == {torch.bfloat16}
    assert loss.dtype == torch.float32
    model.zero_grad()
    exact = Step(model, objective, DirectEncode())(batch).loss
    torch.testing.assert_close(loss, exact, rtol=2e-2, atol=2e-2)
    for name, gradient in gradients(model).items():
        assert found[name].dtype == torch.float32
        assert torch.nn.functional.cosine_similarity(found[name].ravel(), gradient.ravel(), dim=0) > 0.99


def test_a_nan_in_a_record_comes_through() -> None:
    batch = small_batch()
    broken = replace(batch, item_arrays=[batch.item_arrays[0].clone().index_fill_(0, torch.tensor([4]), torch.nan)])
    assert Step(small_model(), made("softmax"), CachedEncode(2))(broken).loss.isnan()
