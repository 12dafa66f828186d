"""The log mass of a query's negatives."""

import torch

from tests.contracts.objective import unit
from training.objectives.mass import log_mass

MASK_BM = torch.tensor([[True, False, True, True], [False, False, True, False], [False, False, False, False]])
SHIFT_M = torch.tensor([0.0, 0.3, -0.7, -torch.inf], dtype=torch.float64)


def test_it_is_the_logsumexp_of_the_masked_shifted_scores_and_so_are_its_gradients() -> None:
    ours = [unit(n, 3, seed=n, dtype=torch.float64).requires_grad_() for n in (3, 4)]
    theirs = [side.detach().clone().requires_grad_() for side in ours]
    mass_B = log_mass(ours[0], ours[1], SHIFT_M, MASK_BM)
    plain_B = (theirs[0] @ theirs[1].T + SHIFT_M).masked_fill(~MASK_BM, -torch.inf)[:2].logsumexp(1)
    torch.testing.assert_close(mass_B[:2], plain_B)
    mass_B[:2].sum().backward()  # type: ignore[no-untyped-call]
    plain_B.sum().backward()  # type: ignore[no-untyped-call]
    for mine, plain in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine.grad, plain.grad)


def test_a_query_without_negatives_has_no_mass_and_no_gradient() -> None:
    query_BD, item_MD = unit(3, 3, seed=0).requires_grad_(), unit(4, 3, seed=1)
    mass_B = log_mass(query_BD, item_MD, SHIFT_M.float(), MASK_BM)
    assert mass_B[2] == -torch.inf
    mass_B.sum().backward()  # type: ignore[no-untyped-call]
    assert query_BD.grad is not None
    assert (query_BD.grad[2] == 0).all()
