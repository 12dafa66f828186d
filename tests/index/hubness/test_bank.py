import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import logsumexp

from index.hubness import bank as bank_module
from index.hubness.bank import NO_ROW, Bank, activated, log_mean_exp
from tests.index.hubness.hubs import FloatArray, unit

BETAS = (1.0, 20.0, 100.0)


def vectors(count: int, seed: int = 0) -> FloatArray:
    return unit(np.random.default_rng(seed).normal(size=(count, 8)))


def oracle(items_ND: FloatArray, bank: Bank, beta: float) -> NDArray[np.float64]:
    """As the formula says, in float64 and in one piece."""
    score_NM = items_ND.astype(np.float64) @ bank.vectors_MD.astype(np.float64).T
    speaks_NM = np.arange(len(items_ND))[:, None] != bank.left_out_M
    return np.asarray(logsumexp(beta * score_NM, b=speaks_NM / speaks_NM.sum(axis=1, keepdims=True), axis=1) / beta)


@pytest.mark.parametrize("tile", [7, 4_096])
def test_the_streamed_sum_is_that_of_scipy_at_any_beta(monkeypatch: pytest.MonkeyPatch, tile: int) -> None:
    monkeypatch.setattr(bank_module, "ITEM_TILE", tile)
    monkeypatch.setattr(bank_module, "BANK_TILE", tile)
    items_ND = vectors(50)
    bank = Bank(vectors(40, seed=1), np.random.default_rng(2).integers(NO_ROW, 50, 40))
    for beta, found_N in zip(BETAS, log_mean_exp(items_ND, bank, BETAS), strict=True):
        np.testing.assert_allclose(found_N, oracle(items_ND, bank, beta), atol=1e-6)


def test_large_scores_neither_overflow_nor_vanish() -> None:
    items_ND = 30 * vectors(20)
    found = log_mean_exp(items_ND, Bank.of(-30 * items_ND), [100.0])
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[0], oracle(items_ND, Bank.of(-30 * items_ND), 100.0), rtol=1e-5)


def test_an_item_is_not_compared_with_what_is_left_out() -> None:
    items_ND = vectors(30)
    of_itself = log_mean_exp(items_ND, Bank(items_ND, np.arange(30)), [50.0])[0]
    assert (of_itself < 0.99).all()
    assert (log_mean_exp(items_ND, Bank.of(items_ND), [50.0])[0] > of_itself).all()


def test_an_empty_bank_says_nothing_and_a_constant_one_the_same_of_all() -> None:
    items_ND = vectors(10)
    assert log_mean_exp(items_ND, Bank.of(items_ND[:0]), BETAS).tolist() == [[0.0] * 10] * 3
    np.testing.assert_allclose(log_mean_exp(items_ND, Bank.of(np.zeros((4, 8), np.float32)), BETAS), 0, atol=1e-7)


def test_an_item_nothing_speaks_of_gets_the_mean_of_the_others() -> None:
    items_ND = vectors(3)
    bank = Bank(items_ND[:1], np.array([1]))
    (found,) = log_mean_exp(items_ND, bank, [5.0])
    assert found[1] == pytest.approx((found[0] + found[2]) / 2)
    assert log_mean_exp(items_ND[:1], Bank(items_ND[:1], np.array([0])), [5.0]).tolist() == [[0.0]]


def test_the_size_of_a_bank_does_not_move_the_mean() -> None:
    items_ND, bank_MD = vectors(10), vectors(6, seed=1)
    once = log_mean_exp(items_ND, Bank.of(bank_MD), BETAS)
    np.testing.assert_allclose(log_mean_exp(items_ND, Bank.of(np.tile(bank_MD, (3, 1))), BETAS), once, atol=1e-6)


def test_hubs_of_a_bank_are_what_its_vectors_find() -> None:
    items_ND = np.eye(4, 8, dtype=np.float32)
    bank_MD = items_ND[[0, 0, 2]] + 0.1 * items_ND[1]
    assert activated(items_ND, Bank.of(bank_MD), 1).tolist() == [True, False, True, False]
    assert activated(items_ND, Bank(bank_MD, np.array([0, 0, 2])), 1).tolist() == [False, True, False, False]
    assert activated(items_ND, Bank.of(bank_MD), 2).tolist() == [True, True, True, False]
    assert not activated(items_ND, Bank.of(bank_MD[:0]), 2).any()
