from pathlib import Path

import numpy as np
import pytest

from index.hubness.bank import Bank, activated, log_mean_exp
from index.hubness.bias import HubnessBias, open_bias
from index.hubness.config import METHODS, HubnessConfig, HubnessMethod
from index.hubness.fit import fit_bias
from tests.index.hubness.hubs import FloatArray, shifted

QUERY_BETA, ITEM_BETA = 20.0, 5.0


def made(items_ND: FloatArray, queries: Bank, items: Bank) -> HubnessBias:
    nearness = [log_mean_exp(items_ND, queries, [QUERY_BETA])[0], log_mean_exp(items_ND, items, [ITEM_BETA])[0]]
    hubs = [activated(items_ND, bank, 1) for bank in (queries, items)]
    return HubnessBias(np.stack(nearness), np.stack(hubs), QUERY_BETA, ITEM_BETA, 200)


def order(score_QN: FloatArray, bias: HubnessBias, method: HubnessMethod) -> list[list[int]]:
    """All rows of each query, best first."""
    rows_QN = np.argsort(-score_QN, axis=1, kind="stable")
    corrected_QN = np.take_along_axis(score_QN, rows_QN, axis=1) + bias.of(method, rows_QN)
    ranked: list[list[int]] = np.take_along_axis(
        rows_QN, np.argsort(-corrected_QN, axis=1, kind="stable"), axis=1
    ).tolist()
    return ranked


@pytest.mark.parametrize("method", METHODS)
def test_empty_and_constant_banks_leave_every_ranking(method: HubnessMethod) -> None:
    task = shifted(n_items=40, n_queries=10)
    score_QN = task.queries_QD @ task.items_ND.T
    raw = np.argsort(-score_QN, axis=1, kind="stable").tolist()
    empty, constant = Bank.of(task.items_ND[:0]), Bank.of(np.zeros((5, 24), np.float32))
    assert order(score_QN, made(task.items_ND, empty, empty), method) == raw
    assert order(score_QN, made(task.items_ND, constant, constant), method) == raw


@pytest.mark.parametrize("method", METHODS)
def test_a_constant_on_all_biases_changes_nothing(method: HubnessMethod) -> None:
    task = shifted(n_items=40, n_queries=10)
    score_QN = task.queries_QD @ task.items_ND.T
    bias = made(task.items_ND, Bank.of(task.queries_QD), Bank(task.items_ND, np.arange(40)))
    moved = HubnessBias(bias.nearness_2N + np.float32(0.25), bias.is_activated_2N, QUERY_BETA, ITEM_BETA, 200)
    assert order(score_QN, moved, method) == order(score_QN, bias, method)


@pytest.mark.parametrize("method", METHODS[:2])
def test_the_bias_orders_as_the_product_of_the_papers(method: HubnessMethod) -> None:
    task = shifted(n_items=40, n_queries=12)
    score_QN = (task.queries_QD @ task.items_ND.T).astype(np.float64)
    query_MN = (task.queries_QD @ task.items_ND.T).astype(np.float64)
    item_MN = (task.items_ND @ task.items_ND.T).astype(np.float64)
    product_QN = np.exp(QUERY_BETA * score_QN) / np.exp(QUERY_BETA * query_MN).sum(axis=0)
    if method == "dual_inverted_softmax":
        product_QN *= np.exp(ITEM_BETA * score_QN) / np.exp(ITEM_BETA * item_MN).sum(axis=0)
    bias = made(task.items_ND, Bank.of(task.queries_QD), Bank.of(task.items_ND))
    assert order(score_QN.astype(np.float32), bias, method) == np.argsort(-product_QN, axis=1).tolist()


@pytest.mark.parametrize("method", METHODS[:2])
def test_an_item_that_the_bank_holds_again_and_again_never_rises(method: HubnessMethod) -> None:
    task = shifted(n_items=40, n_queries=12)
    score_QN = task.queries_QD @ task.items_ND.T
    for item in (0, 17):
        crowd_MD = np.concatenate([task.queries_QD, np.tile(task.items_ND[item], (50, 1))])
        before = order(score_QN, made(task.items_ND, Bank.of(task.queries_QD), Bank.of(task.items_ND)), method)
        after = order(score_QN, made(task.items_ND, Bank.of(crowd_MD), Bank.of(task.items_ND)), method)
        for old, new in zip(before, after, strict=True):
            assert new.index(item) >= old.index(item)


def test_gates_open_for_the_query_whose_best_is_a_hub_of_the_bank() -> None:
    nearness_2N = np.array([[0.3, 0.0, -0.3], [0.1, -0.2, 0.1]], dtype=np.float32)
    is_activated_2N = np.array([[True, False, False], [True, True, False]])
    bias = HubnessBias(nearness_2N, is_activated_2N, 30.0, 10.0, 200)
    rows_BR = np.array([[0, 1, 2], [1, 0, 2], [2, 1, 0]])
    both, of_items, neither = bias.of("dual_dynamic_inverted_softmax", rows_BR)
    np.testing.assert_allclose(both, bias.of("dual_inverted_softmax", rows_BR)[0])
    np.testing.assert_allclose(of_items, -0.25 * nearness_2N[1, [1, 0, 2]])
    assert neither.tolist() == [0, 0, 0]
    np.testing.assert_allclose(bias.of("dual_inverted_softmax", rows_BR)[0], [-0.25, 0.05, 0.2], atol=1e-7)


def test_a_saved_bias_is_opened_as_it_was(tmp_path: Path) -> None:
    task = shifted(n_items=40, n_queries=60)
    fitted = fit_bias(task.items_ND, task.asking(), HubnessConfig(), "cosine", 0)
    bias = fitted.bias
    bias.save(tmp_path)
    for mmap in (True, False):
        opened = open_bias(tmp_path, fitted.report, mmap=mmap)
        rows_BR = np.arange(40)[None]
        for method in METHODS:
            assert opened.n_candidates == bias.n_candidates
            assert opened.of(method, rows_BR).tolist() == bias.of(method, rows_BR).tolist()
