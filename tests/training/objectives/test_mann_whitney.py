"""The Mann-Whitney loss."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn.functional import softplus
from torch.utils._python_dispatch import TorchDispatchMode

from tests.contracts.objective import unit, with_gradients
from tests.training.objectives.one_query import close
from training.objectives import LossInput
from training.objectives.mann_whitney import MannWhitney, MannWhitneyConfig, Reduction
from training.objectives.softmax import Softmax

EYE = torch.eye(2, dtype=torch.bool)


def of_scores(score_BM: list[list[float]], positive_BM: Tensor | None = None) -> LossInput:
    """Queries whose scores are given: their embeddings are the scores, those of the items the unit vectors."""
    query_BD = torch.tensor(score_BM, dtype=torch.float64)
    positive_BM = torch.eye(*query_BD.shape, dtype=torch.bool) if positive_BM is None else positive_BM
    item_MD = torch.eye(query_BD.shape[1], dtype=torch.float64)
    return LossInput(query_BD, item_MD, positive_BM, torch.ones_like(positive_BM))


@pytest.mark.parametrize(
    ("targets", "temperature", "reduction", "expected"),
    [
        ((0.8, 0.6), 1.0, "pair_mean", 0.556797),
        ((0.8, 0.6), 1.0, "paper", 1.113592),
        ((0.8, 0.6), 0.1, "pair_mean", 0.104288),
        ((0.8, 0.4), 1.0, "pair_mean", 0.604306),
    ],
)
def test_by_hand(targets: tuple[float, float], temperature: float, reduction: Reduction, expected: float) -> None:
    batch = of_scores([[targets[0], 0.3], [0.5, targets[1]]])
    close(MannWhitney(temperature, reduction)(batch).loss, expected)


def test_gradients_of_targets_by_hand_and_their_sum() -> None:
    _, gradient_BM, _ = with_gradients(MannWhitney(1.0), of_scores([[0.8, 0.3], [0.5, 0.4]]))
    close(gradient_BM.diagonal(), [-0.200775, -0.25])
    close(gradient_BM.sum(), 0.0)


def test_a_shift_of_one_query_is_seen_by_it_and_not_by_the_softmax() -> None:
    before, after = of_scores([[0.9, 0.5], [0.2, 0.6]]), of_scores([[1.9, 1.5], [0.2, 0.6]])
    close(MannWhitney(1.0)(before).loss, 0.518403)
    close(MannWhitney(1.0)(after).loss, 0.608743)
    for batch in (before, after):
        close(Softmax(1.0)(batch).loss, 0.513015)


def test_a_constant_added_to_all_scores_changes_nothing() -> None:
    score_BM = torch.randn(6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    loss = MannWhitney(0.3)(of_scores(score_BM.tolist())).loss
    close(MannWhitney(0.3)(of_scores((score_BM + 7).tolist())).loss, float(loss))


def test_equal_scores_cost_log_two_a_pair() -> None:
    close(MannWhitney(0.01)(of_scores([[0.5] * 3] * 3)).loss, math.log(2))
    close(MannWhitney(0.01, "paper")(of_scores([[0.5] * 3] * 3)).loss, 6 * math.log(2))


def test_it_falls_in_every_target_and_rises_in_every_negative() -> None:
    score_BM = torch.randn(5, 8, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    batch = of_scores(score_BM.tolist())
    gradient_BM = with_gradients(MannWhitney(0.5), batch)[1]
    assert (gradient_BM[batch.positive_BM] < 0).all()
    assert (gradient_BM[~batch.positive_BM] > 0).all()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("temperature", [0.01, 0.3, 2.0])
def test_divided_by_log_two_it_bounds_the_errors_of_ranking(seed: int, temperature: float) -> None:
    score_BM = torch.randn(6, 9, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    batch = of_scores(score_BM.tolist())
    target_V, negative_N = score_BM[batch.positive_BM], score_BM[~batch.positive_BM]
    errors = (target_V[:, None] <= negative_N).double().mean()
    assert MannWhitney(temperature)(batch).loss / math.log(2) >= errors


def test_several_targets_and_draws_are_means_of_each_query_over_one_weighted_pool() -> None:
    score_BM = torch.randn(3, 5, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    positive_BM = torch.tensor([[1, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 1, 1, 1, 0]]).bool()
    draws_M = torch.tensor([0, 1, 2, 1, 3])
    weight_BM = ~positive_BM * draws_M
    sums_BM = (softplus(score_BM.flatten() - score_BM[:, :, None]) * weight_BM.flatten()).sum(2)
    expected = [float(sums_BM[i][positive_BM[i]].mean() / weight_BM.sum()) for i in range(3)]
    output = MannWhitney(1.0)(replace(of_scores(score_BM.tolist(), positive_BM), draws_M=draws_M))
    close(output.per_query_B, expected)


class Largest(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """The most elements that any array made inside has, forward and backward."""

    elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor):
            self.elements = max(self.elements, result.untyped_storage().nbytes() // 4)
        return result


@pytest.mark.parametrize("temperature", [0.05, 3e-6])
def test_no_array_grows_with_the_pairs(temperature: float) -> None:
    """Points stand for the negatives at the first temperature; at the second every pair is computed."""
    n, m = (512, 1024) if temperature > 0.01 else (96, 400)
    batch = LossInput(
        unit(n, 8, seed=0), unit(m, 8, seed=1), torch.eye(n, m, dtype=torch.bool), torch.ones(n, m, dtype=torch.bool)
    )
    with Largest() as largest:  # type: ignore[no-untyped-call]
        loss, _, _ = with_gradients(MannWhitney(temperature), batch)
    assert loss.isfinite()
    assert largest.elements <= 2 * max(n * m, 1 << 20)
    assert n * n * (m - 1) > 3 * largest.elements


def test_the_config_builds_it() -> None:
    assert MannWhitneyConfig(temperature=0.1, reduction="paper").build(4) == MannWhitney(0.1, "paper")
