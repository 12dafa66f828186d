"""Factors that tell popularity from what an item is."""

import numpy as np
import pytest
import torch
from torch import Tensor

from training.quantizers.alignment import equal
from training.quantizers.contract import Behaviour
from training.quantizers.debias import Factors, SideFactors, debias_loss, orthogonality_loss
from training.quantizers.pair_batches import PairBatches


def factors(own: list[float], bias: list[float]) -> Factors:
    return Factors(torch.tensor([own]), torch.tensor([bias]), torch.tensor([own]), torch.tensor([bias]))


def test_orthogonality_by_hand() -> None:
    assert orthogonality_loss(factors([1.0, 0.0], [0.0, 2.0])).item() == 0
    assert orthogonality_loss(factors([1.0, 1.0], [-2.0, -2.0])).item() == pytest.approx(1)


def probe(feature_ND: Tensor, target_N: Tensor) -> float:
    """R2 of a ridge probe on the half of the rows that it was not fitted on."""
    feature_ND = torch.cat([feature_ND, torch.ones(len(feature_ND), 1)], 1).double()
    fit_ND, seen_N, target_N = feature_ND[::2], target_N[::2].double(), target_N.double()
    weight_D = torch.linalg.solve(fit_ND.T @ fit_ND + 1e-2 * torch.eye(fit_ND.shape[1]), fit_ND.T @ seen_N)
    error = (feature_ND[1::2] @ weight_D - target_N[1::2]).square().mean()
    return float(1 - error / target_N[1::2].var(correction=0))


def test_popularity_is_read_from_the_joined_factor_and_not_from_the_property() -> None:
    """Users click by affinity + 2 log popularity; the property must hold the affinity alone."""
    rng = np.random.default_rng(0)
    n_items, n_users = 300, 400
    log_popularity_N = rng.normal(size=n_items) * 0.7
    score_UN = rng.normal(size=(n_users, 4)) @ rng.normal(size=(4, n_items)) + 2 * log_popularity_N
    chosen = np.argsort(-(score_UN + rng.gumbel(size=score_UN.shape)), 1)[:, :30]
    behaviour = Behaviour(np.arange(n_users).repeat(30), chosen.reshape(-1), n_users)
    pairs = PairBatches(behaviour, n_items, 0)
    torch.manual_seed(0)
    user, item = SideFactors(pairs.user_count_U, 16), SideFactors(pairs.item_count_N, 16)
    optimizer = torch.optim.Adam([*user.parameters(), *item.parameters()], lr=5e-3)
    log_draw_N = torch.from_numpy(np.log(np.maximum(pairs.item_count_N, 1) / len(pairs.item_P))).float()
    for _ in range(300):
        batch = pairs.next(256)
        same_BB = equal(batch.user_B, batch.user_B) | equal(batch.item_B, batch.item_B)
        loss = debias_loss(user(batch.user_B), item(batch.item_B), same_BB, log_draw_N[batch.item_B], 0.1)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    with torch.no_grad():
        found = item(torch.arange(n_items))
    counted = torch.from_numpy(pairs.item_count_N).float().log1p()
    assert probe(found.all_Bd, counted) > 0.8
    assert probe(found.own_Bd, counted) < 0.2
