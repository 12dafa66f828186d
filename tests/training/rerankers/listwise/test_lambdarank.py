"""LambdaRank by hand, against a loop over pairs, and against the nDCG that a swap really gives."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.listwise_loss import ListwiseLossContract
from training.rerankers.listwise import ListwiseLoss
from training.rerankers.listwise.lambdarank import LambdaRankConfig


class TestLambdaRank(ListwiseLossContract):
    @pytest.fixture
    def loss(self) -> ListwiseLoss:
        return LambdaRankConfig(k=4)


def dcg(gains: list[float], k: int) -> float:
    return sum(gain / math.log2(2 + place) for place, gain in enumerate(gains[:k]))


def by_loop(score: list[float], gain: list[float], k: int, steepness: float) -> float:
    """One list: every swap is really made, and nDCG computed anew."""
    order = sorted(range(len(score)), key=lambda i: -score[i])
    ideal, total = dcg(sorted(gain, reverse=True), k), 0.0
    before = dcg([gain[i] for i in order], k)
    for i in range(len(score)):
        for j in range(len(score)):
            if gain[i] > gain[j]:
                swapped = [j if one == i else i if one == j else one for one in order]
                change = abs(dcg([gain[one] for one in swapped], k) - before) / ideal
                total += change * math.log1p(math.exp(-steepness * (score[i] - score[j])))
    return total


def value(score: list[float], gain: list[float], config: LambdaRankConfig) -> tuple[float, list[float]]:
    scores = torch.tensor([score], requires_grad=True)
    loss = config(scores, torch.tensor([gain]), torch.ones(1, len(score), dtype=torch.bool))
    (slope,) = torch.autograd.grad(loss, scores)
    return float(loss.detach()), slope[0].tolist()


def test_two_items_in_the_wrong_order_by_hand() -> None:
    loss, slope = value([1.0, 0.0], [0.0, 1.0], LambdaRankConfig())
    change = 1 - 1 / math.log2(3)  # nDCG goes from 1 / log2(3) to 1
    assert loss == pytest.approx(change * math.log1p(math.e), rel=1e-5)
    push = change / (1 + math.exp(-1))
    assert slope == pytest.approx([push, -push], rel=1e-5)  # down with the one that leads, up with the wanted


def test_what_a_pair_takes_from_one_it_gives_to_the_other() -> None:
    _, slope = value([0.3, -1.0, 0.2, 2.0], [0.0, 2.0, 1.0, 0.0], LambdaRankConfig(k=3))
    assert sum(slope) == pytest.approx(0, abs=1e-6)
    assert slope[1] < 0 < slope[3]


def test_below_k_only_what_could_rise_into_it_is_pushed() -> None:
    score = [4.0, 3.0, 2.0, 1.0]
    _, slope = value(score, [0.0, 0.0, 0.0, 1.0], LambdaRankConfig(k=2))
    assert slope[3] < 0 and slope[0] > 0 and slope[1] > 0
    assert slope[2] == 0  # swapping the third for the fourth changes nothing among the first two


distinct = st.lists(st.integers(-40, 40), min_size=2, max_size=7, unique=True)


@settings(max_examples=60, deadline=None)
@given(scores=distinct, data=st.data(), k=st.integers(1, 6), steepness=st.sampled_from([0.5, 1.0, 2.0]))
def test_it_is_the_loop_over_pairs(scores: list[int], data: st.DataObject, k: int, steepness: float) -> None:
    gains = data.draw(st.lists(st.integers(0, 3), min_size=len(scores), max_size=len(scores)).filter(any))
    score, gain = [one / 10 for one in scores], [float(one) for one in gains]
    loss, _ = value(score, gain, LambdaRankConfig(k=k, steepness=steepness))
    assert loss == pytest.approx(by_loop(score, gain, k, steepness), rel=1e-4, abs=1e-6)


def test_descending_it_raises_ndcg() -> None:
    rng = np.random.default_rng(0)
    feature = torch.tensor(rng.standard_normal((30, 20, 4)), dtype=torch.float32)
    hidden = feature @ torch.tensor([1.0, -2.0, 0.5, 0.0])
    gain = (hidden.argsort(dim=1, descending=True).argsort(dim=1) < 3).float()
    weight = torch.zeros(4, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.5)
    mask = torch.ones(30, 20, dtype=torch.bool)

    def ndcg() -> float:
        order = (feature @ weight).detach().argsort(dim=1, descending=True)
        sorted_gain = gain.gather(1, order)
        return float(np.mean([dcg(one, 5) / dcg([1.0] * 3, 5) for one in sorted_gain.tolist()]))

    before = ndcg()
    for _ in range(60):
        optimizer.zero_grad()
        LambdaRankConfig(k=5)(feature @ weight, gain, mask).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert before < 0.5 and ndcg() > 0.95
