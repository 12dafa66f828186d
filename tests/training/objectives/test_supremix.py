"""Graded softmax with mixtures."""

import math
from dataclasses import replace

import pytest
import torch

from tests.contracts.objective import batch, with_gradients
from tests.training.objectives.one_query import close, one_query
from training.errors import TrainingError
from training.objectives import LossInput
from training.objectives.softmax import Softmax
from training.objectives.supremix import SupReMix, SupReMixConfig, level_pairs, mix

PLAIN = SupReMix(1.0, None, hard_positives=False)


def plane(angles: list[float], positives: list[int], grades: list[float]) -> LossInput:
    """One query at angle 0, unit items at these angles in degrees."""
    given = one_query([0.0] * len(angles), positives, grades=grades)
    radians = torch.tensor(angles, dtype=torch.float64).deg2rad()
    item_MD = torch.stack([radians.cos(), radians.sin()], 1)
    return replace(given, query_BD=torch.tensor([[1.0, 0.0]], dtype=torch.float64), item_MD=item_MD)


@pytest.mark.parametrize("grade", [0, 2])
def test_with_equal_grades_and_no_mixtures_it_is_softmax_whose_negatives_weigh_one_more_than_the_grade(
    grade: int,
) -> None:
    given = batch(dtype=torch.float64)
    assert given.grade_BM is not None
    assert given.draws_M is not None
    equal = replace(given, grade_BM=torch.full_like(given.grade_BM, grade))
    more_often = replace(given, draws_M=given.draws_M * (grade + 1))
    expected = Softmax(0.1)(more_often).per_query_B
    torch.testing.assert_close(SupReMix(0.1, None, hard_positives=False)(equal).per_query_B, expected)


def test_gaps_in_grade_by_hand() -> None:
    """Target 0 of grade 3 against target 1 of grade 1 (weight 3) and a negative (4); target 1 against it (2)."""
    given = one_query([2.0, 1.0, 0.0], [0, 1], grades=[3.0, 1.0, 9.0])
    of_0 = math.log(math.exp(2) + 3 * math.e + 4) - 2
    of_1 = math.log(math.e + 2) - 1
    close(PLAIN(given).loss, (of_0 + of_1) / 2)


def test_a_better_item_is_no_negative_of_a_lesser_one() -> None:
    _, _, gradient = with_gradients(PLAIN, one_query([1.0, 1.0, 0.0], [0, 1], grades=[5.0, 1.0, 0.0]))
    assert gradient[0] < gradient[1]
    assert gradient[0] < 0


def test_the_hard_negative_by_hand() -> None:
    """Target at 0, negative at 90 degrees: their mixture at 45 has label 1 of 2, so weight 2."""
    given = plane([0.0, 90.0], [0], [2.0, 0.0])
    mixture = 2 * math.exp(math.sqrt(0.5))
    close(SupReMix(1.0, 0.5, hard_positives=False)(given).loss, math.log(math.e + 3 + mixture) - 1)


def test_the_hard_positive_by_hand() -> None:
    """Grades 2, 1 and a negative of 0: the mixture of the first and the negative, half each, has grade 1."""
    given = plane([30.0, 60.0, 90.0], [0, 1], [2.0, 1.0, 0.0])
    z = [math.cos(math.radians(angle)) for angle in (30, 60, 90)]
    rest_1 = math.log(math.exp(z[1]) + 2 * math.exp(z[2]))
    of_0 = math.log(math.exp(z[0]) + 2 * math.exp(z[1]) + 3 * math.exp(z[2])) - z[0]
    # At equal shares of unit vectors at 30 and 90 degrees the mixture is at 60, as the target is.
    of_1 = rest_1 - z[1]
    of_mixture = math.log(math.exp(rest_1) + math.exp(z[1])) - z[1]
    close(SupReMix(1.0, None, hard_positives=True)(given).loss, (of_0 + (of_1 + of_mixture) / 2) / 2)


def test_a_hard_positive_has_the_grade_of_its_target() -> None:
    generator = torch.Generator().manual_seed(0)
    grade_BP = torch.randint(1, 6, (40, 5), generator=generator).double()
    grade_BC = torch.nn.functional.pad(grade_BP, (0, 1))
    score_BC = torch.randn(40, 6, generator=generator, dtype=torch.float64)
    is_part_BC = torch.rand(40, 6, generator=generator) < 0.8
    lower_BP, upper_BP, share_BP, exists_BP = level_pairs(score_BC, grade_BC, is_part_BC, grade_BP)
    mixed_BP = share_BP * grade_BC.gather(1, lower_BP) + (1 - share_BP) * grade_BC.gather(1, upper_BP)
    assert exists_BP.any()
    torch.testing.assert_close(mixed_BP[exists_BP], grade_BP[exists_BP], rtol=0, atol=1e-6)
    assert ((share_BP > 0) & (share_BP < 1))[exists_BP].all()
    assert is_part_BC.gather(1, lower_BP)[exists_BP].all()
    assert is_part_BC.gather(1, upper_BP)[exists_BP].all()
    middle_BP = (grade_BC.masked_fill(~is_part_BC, 9).amin(1, keepdim=True) < grade_BP) & (
        grade_BC.masked_fill(~is_part_BC, -9).amax(1, keepdim=True) > grade_BP
    )
    assert torch.equal(exists_BP, middle_BP)


def test_a_mixture_of_unit_vectors_has_unit_length() -> None:
    left_BPD, right_BPD = batch(5, 9, 4).query_BD[:, None], batch(5, 9, 4).item_MD[:5, None]
    torch.testing.assert_close(mix(left_BPD, right_BPD, torch.full((5, 1), 0.3)).norm(dim=2), torch.ones(5, 1))


def test_an_item_that_nobody_drew_is_in_no_mixture() -> None:
    given = plane([0.0, 10.0, 90.0], [0], [2.0, 0.0, 0.0])
    without = plane([0.0, 90.0], [0], [2.0, 0.0])
    undrawn = replace(given, draws_M=torch.tensor([0, 0, 1]))
    close(SupReMixConfig().build(2)(undrawn).loss, float(SupReMixConfig().build(2)(without).loss))


def test_a_batch_without_grades_is_refused() -> None:
    with pytest.raises(TrainingError, match="'supremix' compares grades"):
        PLAIN(one_query([1.0, 0.0], [0]))
    assert SupReMixConfig().needs_grades
