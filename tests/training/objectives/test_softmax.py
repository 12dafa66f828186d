"""The coupled softmax."""

from dataclasses import replace

import pytest
import torch

from tests.contracts.objective import with_gradients
from tests.training.objectives.one_query import close, one_query
from training.objectives.decoupled_softmax import DecoupledSoftmax
from training.objectives.softmax import Softmax, SoftmaxConfig, log_mass_of_others


def test_by_hand() -> None:
    loss, _, gradient = with_gradients(Softmax(1.0), one_query([2, 1, 0, -1], [0, 1]))
    close(loss, 0.940190)
    close(gradient, [0.143914, -0.263117, 0.087144, 0.032059])


def test_only_the_coupled_softmax_pushes_an_easy_positive_down() -> None:
    easy = one_query([10, 0, 0, 0], [0, 1])
    close(with_gradients(Softmax(1.0), easy)[2][0], 0.499864)
    close(with_gradients(DecoupledSoftmax(1.0), easy)[2][0], -0.0000454, atol=1e-7)


@pytest.mark.parametrize("kind", [Softmax, DecoupledSoftmax])
def test_with_one_positive_it_is_info_nce(kind: type[Softmax]) -> None:
    one = one_query([0.3, -0.2, 0.9], [2])
    expected = torch.tensor([0.3, -0.2, 0.9], dtype=torch.float64).div(0.1).logsumexp(0) - 9
    close(kind(0.1)(one).loss, float(expected))


def test_equal_scores_give_the_log_of_the_pool() -> None:
    close(Softmax(0.05)(one_query([1.0] * 8, [3])).loss, float(torch.tensor(8.0).log()))


def test_it_cannot_fall_below_the_log_of_the_number_of_positives() -> None:
    close(Softmax(0.05)(one_query([9.0, 9.0, 9.0, -9.0], [0, 1, 2])).loss, float(torch.tensor(3.0).log()))


def test_the_config_builds_it() -> None:
    assert SoftmaxConfig(temperature=0.2, logq="classic").build(4) == Softmax(0.2, "classic")


def test_the_mass_of_the_others_is_that_without_oneself_and_so_is_its_gradient() -> None:
    score_BP = torch.tensor([[30.0, -40.0, 2.0, 1.5, -1e30], [0.3, -1e30, -1e30, -1e30, -1e30]], dtype=torch.float64)
    found_BP = log_mass_of_others(score_BP)
    for place in range(4):
        others = torch.cat([score_BP[0, :place], score_BP[0, place + 1 :]])
        close(found_BP[0, place], float(others.logsumexp(0)), atol=1e-12)
    assert found_BP[1, 0] < -1e29
    assert torch.autograd.gradcheck(log_mass_of_others, score_BP[:1, :4].clone().requires_grad_())


def test_many_targets_of_a_query_take_memory_in_proportion_under_the_corrected_logq() -> None:
    n = 2000
    given = one_query([0.1 * (item % 7) for item in range(n)], list(range(n - 1)))
    given = replace(given, logq_M=torch.full((n,), 1 / n, dtype=torch.float64).log())
    given = replace(given, item_MD=given.item_MD.requires_grad_())
    kept: list[int] = []

    def keep(value: torch.Tensor) -> torch.Tensor:
        kept.append(value.numel())
        return value

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value):
        loss = Softmax(1.0, "corrected")(given).loss
    assert max(kept) <= 2 * n
    assert loss.isfinite()
