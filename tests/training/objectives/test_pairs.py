"""Sums over pairs, computed from all of them and from points that stand for them."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import softplus

from training.objectives.pairs import AllPairs, DensePairs, softplus_of_pairs


def scores(spread: float, dtype: torch.dtype, n: int = 20_000) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    target_V = spread * (2 + torch.randn(40, generator=generator, dtype=torch.float64))
    negative_N = spread * torch.randn(n, generator=generator, dtype=torch.float64)
    weight_N = torch.randint(0, 4, (n,), generator=generator)
    return target_V.to(dtype).requires_grad_(), negative_N.to(dtype).requires_grad_(), weight_N.to(dtype)


def gradients(sum_V: Tensor, *inputs: Tensor) -> list[Tensor]:
    """Of a sum with unequal parts."""
    return list(torch.autograd.grad((sum_V * torch.linspace(0.1, 1.0, len(sum_V), dtype=sum_V.dtype)).sum(), inputs))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("spread", [0.01, 1.0, 30.0])
def test_points_give_the_sum_over_pairs_and_its_gradients(spread: float, dtype: torch.dtype) -> None:
    target_V, negative_N, weight_N = scores(spread, dtype)
    ends = [float(end) for end in negative_N.detach().aminmax()]
    dense_V = DensePairs.apply(target_V, negative_N, weight_N, *ends)  # type: ignore[no-untyped-call]
    exact_V = softplus(negative_N.double() - target_V.double()[:, None]) @ weight_N.double()
    n = float(weight_N.sum())
    torch.testing.assert_close(dense_V.double() / n, exact_V / n, rtol=1e-6, atol=1e-6)
    dense, exact = gradients(dense_V, target_V, negative_N), gradients(exact_V, target_V, negative_N)
    torch.testing.assert_close(dense[0] / n, exact[0] / n, rtol=0, atol=1e-6)
    torch.testing.assert_close(dense[1], exact[1], rtol=0, atol=4 * 40 * 1e-6)


def test_few_pairs_are_computed_exactly() -> None:
    target_V, negative_N, weight_N = scores(1.0, torch.float64, n=30)
    assert torch.autograd.gradcheck(lambda t, n: softplus_of_pairs(t, n, weight_N), (target_V, negative_N))
    torch.testing.assert_close(
        softplus_of_pairs(target_V, negative_N, weight_N), softplus(negative_N - target_V[:, None]) @ weight_N
    )


def test_pairs_in_many_parts_are_the_pairs_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    target_V, negative_N, weight_N = scores(1.0, torch.float64, n=100)

    def both() -> list[Tensor]:
        sum_V = AllPairs.apply(target_V, negative_N, weight_N)  # type: ignore[no-untyped-call]
        return [sum_V.detach(), *gradients(sum_V, target_V, negative_N)]

    whole = both()
    monkeypatch.setattr("training.objectives.pairs._PAIRS_AT_ONCE", 350)
    for part, one in zip(both(), whole, strict=True):
        torch.testing.assert_close(part, one)


def test_scores_without_weight_have_no_part() -> None:
    target_V, negative_N, weight_N = scores(1.0, torch.float32)
    wild_N = torch.where(weight_N == 0, 1e18, negative_N.detach()).requires_grad_()
    wild_V, plain_V = (softplus_of_pairs(target_V, side, weight_N) for side in (wild_N, negative_N))
    torch.testing.assert_close(wild_V, plain_V)
    (gradient_N,) = gradients(wild_V, wild_N)
    assert (gradient_N[weight_N == 0] == 0).all()
    assert gradient_N.isfinite().all()


def test_no_negatives_sum_to_zero() -> None:
    target_V, negative_N, weight_N = scores(1.0, torch.float32)
    assert (softplus_of_pairs(target_V, negative_N, 0 * weight_N) == 0).all()


def test_a_nan_reaches_every_target() -> None:
    target_V, negative_N, weight_N = scores(1.0, torch.float32, n=1000)
    broken_N = negative_N.detach().clone()
    broken_N[weight_N.argmax()] = torch.nan
    assert softplus_of_pairs(target_V, broken_N, weight_N).isnan().all()
