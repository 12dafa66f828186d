"""The rotation trick and the straight-through gradient, against a case worked out by hand."""

import pytest
import torch

from training.quantizers.gradients import Gradient, pass_gradient

LATENT, CHOSEN = [[3.0, 4.0]], [[0.0, 2.0]]


@pytest.mark.parametrize("gradient", ["straight_through", "rotation"])
def test_the_value_is_the_chosen_vector(gradient: Gradient) -> None:
    passed = pass_gradient(torch.tensor(LATENT), torch.tensor(CHOSEN), gradient)
    torch.testing.assert_close(passed, torch.tensor(CHOSEN))


@pytest.mark.parametrize(
    ("gradient", "upstream", "expected"),
    [
        ("rotation", [1.0, 0.0], [0.32, -0.24]),
        ("rotation", [0.0, 1.0], [0.24, 0.32]),
        ("straight_through", [1.0, 0.0], [1.0, 0.0]),
    ],
)
def test_the_gradient_by_hand(gradient: Gradient, upstream: list[float], expected: list[float]) -> None:
    latent, chosen = torch.tensor(LATENT, requires_grad=True), torch.tensor(CHOSEN, requires_grad=True)
    pass_gradient(latent, chosen, gradient).backward(torch.tensor([upstream]))  # type: ignore[no-untyped-call]
    assert latent.grad is not None
    torch.testing.assert_close(latent.grad, torch.tensor([expected]))
    assert chosen.grad is None


@pytest.mark.parametrize(
    ("latent", "chosen"), [([1.0, 0.0], [-2.0, 0.0]), ([0.0, 0.0], [1.0, 1.0]), ([1.0, 1.0], [0.0, 0.0])]
)
def test_rows_without_a_rotation_pass_straight_through(latent: list[float], chosen: list[float]) -> None:
    row = torch.tensor([latent], requires_grad=True)
    passed = pass_gradient(row, torch.tensor([chosen]), "rotation")
    passed.backward(torch.tensor([[1.0, 2.0]]))  # type: ignore[no-untyped-call]
    torch.testing.assert_close(passed.detach(), torch.tensor([chosen]))
    assert row.grad is not None
    torch.testing.assert_close(row.grad, torch.tensor([[1.0, 2.0]]))
