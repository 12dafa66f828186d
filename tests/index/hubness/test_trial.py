import numpy as np
import pytest

from bundle.hubness import Hubness
from index.hubness.asking import Asking
from index.hubness.bank import NO_ROW
from index.hubness.bias import HubnessBias
from index.hubness.trial import Trial
from tests.index.hubness.hubs import shifted


def flat(n_items: int) -> HubnessBias:
    return HubnessBias(np.zeros((2, n_items), np.float32), np.zeros((2, n_items), bool), 1, 1, 200)


def test_without_a_bias_the_exact_best_are_counted() -> None:
    task = shifted(n_items=300, n_queries=50)
    trial = Trial(task.items_ND, task.asking())
    best_QN = np.argsort(-(task.queries_QD @ task.items_ND.T), axis=1)
    measured = trial.measure(flat(300), "off")
    assert trial.rows(flat(300), "off").tolist() == best_QN[:, :10].tolist()
    assert measured.recall_at_1 == pytest.approx((best_QN[:, 0] == task.positives_Q).mean(), abs=1e-6)
    counted = Hubness.of(best_QN[:, :10], 300)
    assert measured.largest == counted.occurrence_N.max()
    assert measured.skewness == pytest.approx(counted.skew, abs=1e-4)
    assert measured.never == pytest.approx(counted.never, abs=1e-6)


def test_a_bias_moves_hits_and_recall_is_of_queries_with_a_positive() -> None:
    items_ND = np.eye(3, dtype=np.float32)
    queries_QD = np.array([[0.9, 0.8, 0], [0.9, 0.8, 0]], dtype=np.float32)
    asking = Asking(queries_QD, np.full(2, NO_ROW), np.array([1, NO_ROW]), "table")
    trial = Trial(items_ND, asking)
    bias = HubnessBias(np.array([[0.2, 0, 0], [0, 0, 0]], np.float32), np.zeros((2, 3), bool), 1, 1, 200)
    assert trial.measure(bias, "off").recall_at_1 == 0
    assert trial.measure(bias, "inverted_softmax").recall_at_1 == 1
    assert trial.measure(bias, "dual_dynamic_inverted_softmax").recall_at_1 == 0  # no hub of the bank is best
    assert Trial(items_ND, shifted(3, 4, 3).asking(with_positives=False)).measure(bias, "off").recall_at_1 is None


def test_depths_are_places_in_the_raw_order() -> None:
    task = shifted(n_items=300, n_queries=20)
    trial = Trial(task.items_ND, task.asking())
    assert np.sort(trial.depths(flat(300))["inverted_softmax"]).tolist() == [list(range(10))] * 20
    last_Q = np.argmin(task.queries_QD @ task.items_ND.T, axis=1)
    lifted = HubnessBias(np.zeros((2, 300), np.float32), np.zeros((2, 300), bool), 1, 1, 200)
    lifted.nearness_2N[0, last_Q[0]] = -9
    assert 299 in trial.depths(lifted)["inverted_softmax"][0]


def test_items_that_ask_are_no_hits_of_themselves() -> None:
    items_ND = shifted(n_items=30, n_queries=1).items_ND
    rows_Q = np.arange(30)
    trial = Trial(items_ND, Asking(items_ND, rows_Q, np.full(30, NO_ROW), "items"))
    rows_QK = trial.rows(flat(30), "off")
    assert rows_QK.shape == (30, 10)
    assert not (rows_QK == rows_Q[:, None]).any()
