from dataclasses import replace

import numpy as np
import pytest

from bundle.errors import ConfigError
from index.hubness.asking import Asking
from index.hubness.bank import NO_ROW
from index.hubness.config import METHODS, HubnessConfig
from index.hubness.fit import FittedBias, fit_bias
from index.hubness.report import HubnessMeasure
from tests.index.hubness.hubs import Shifted, shifted


@pytest.fixture(scope="module")
def task() -> Shifted:
    return shifted()


@pytest.fixture(scope="module")
def fitted(task: Shifted) -> FittedBias:
    return fit_bias(task.items_ND, task.asking(with_positives=False), HubnessConfig(), "cosine", 0)


def by_method(fitted: FittedBias) -> dict[str, HubnessMeasure]:
    return {measure.method: measure for measure in fitted.report.measures}


def test_hubs_lose_half_of_their_skewness_and_the_right_item_wins(task: Shifted) -> None:
    fitted = fit_bias(task.items_ND, task.asking(), HubnessConfig(queries="q", positives="p"), "cosine", 0)
    found = by_method(fitted)
    assert list(found) == ["off", *METHODS]
    off, best = found["off"], found["inverted_softmax"]
    assert off.skewness > 3 and best.skewness < off.skewness / 2
    assert best.never < off.never and best.robin_hood < off.robin_hood and best.largest < off.largest
    assert off.recall_at_1 is not None and best.recall_at_1 is not None
    assert best.recall_at_1 > off.recall_at_1 + 0.05


def test_betas_are_the_documented_ones_unless_given_or_tuned(task: Shifted, fitted: FittedBias) -> None:
    report = fitted.report
    assert (report.query_beta, report.item_beta, report.is_tuned) == (20, 5, False)
    assert report.n_positives == 0 and report.measures[0].recall_at_1 is None
    config = HubnessConfig(queries="q", positives="p", query_beta=3)
    tuned = fit_bias(task.items_ND, task.asking(), config, "cosine", 0).report
    assert tuned.query_beta == 3 and tuned.is_tuned and tuned.item_beta in (5, 10, 20)
    given = HubnessConfig(queries="q", positives="p", query_beta=3, item_beta=4)
    untuned = fit_bias(task.items_ND, task.asking(), given, "cosine", 0).report
    assert (untuned.query_beta, untuned.item_beta, untuned.is_tuned) == (3, 4, False)


def test_tuning_takes_the_beta_with_the_best_recall(task: Shifted) -> None:
    def recall(beta: float | None) -> tuple[float, float]:
        config = HubnessConfig(queries="q", positives="p", query_beta=beta)
        fitted = fit_bias(task.items_ND, task.asking(), config, "cosine", 0)
        measured = by_method(fitted)["inverted_softmax"].recall_at_1
        assert measured is not None
        return measured, fitted.report.query_beta

    best, beta = recall(None)
    tried = {tried: recall(tried)[0] for tried in (5.0, 10.0, 20.0, 40.0, 80.0)}
    assert best == max(tried.values()) and tried[beta] == best


def test_scores_of_any_length_are_corrected_alike(task: Shifted, fitted: FittedBias) -> None:
    asking = replace(task.asking(with_positives=False), vectors_QD=3 * task.queries_QD)
    long = fit_bias(3 * task.items_ND, asking, HubnessConfig(), "dot", 0)
    np.testing.assert_allclose(long.bias.nearness_2N, 9 * fitted.bias.nearness_2N, atol=1e-4)
    assert long.report.query_beta == pytest.approx(20 / 9, rel=1e-5)
    assert long.report.measures == fitted.report.measures


def test_what_is_served_is_centred_and_made_from_all_queries(task: Shifted, fitted: FittedBias) -> None:
    np.testing.assert_allclose(fitted.bias.nearness_2N.mean(axis=1), 0, atol=1e-6)
    assert (fitted.report.n_bank_queries, fitted.report.n_queries) == (1_200, 600)
    assert (fitted.report.n_bank_items, fitted.report.n_items, fitted.report.k) == (600, 600, 10)
    again = fit_bias(task.items_ND, task.asking(with_positives=False), HubnessConfig(), "cosine", 0)
    assert again.bias.nearness_2N.tobytes() == fitted.bias.nearness_2N.tobytes()


def test_hubs_that_hide_more_need_more_candidates() -> None:
    weak, strong = (
        fit_bias(made.items_ND, made.asking(False), HubnessConfig(), "cosine", 0).report
        for made in (shifted(3_000, 2_000, shift=0.1), shifted(3_000, 2_000, shift=0.9))
    )
    assert weak.n_candidates == 200 and weak.overlap > 0.999
    assert 200 < strong.n_candidates < 2_000 and strong.overlap >= 0.99


def test_the_item_bank_is_bounded(task: Shifted) -> None:
    fitted = fit_bias(task.items_ND, task.asking(), HubnessConfig(bank_size=50), "cosine", 0)
    assert fitted.report.n_bank_items == 50


def test_an_item_is_not_held_down_by_the_queries_it_is_right_for(task: Shifted) -> None:
    """One item that fifty queries look for, each of which lies on it."""
    popular = Asking(
        np.concatenate([task.queries_QD, np.tile(task.items_ND[7], (50, 1))]),
        np.full(1_250, NO_ROW),
        np.concatenate([task.positives_Q, np.full(50, 7)]),
        "table",
    )
    alone = fit_bias(task.items_ND, task.asking(), HubnessConfig(query_beta=20, item_beta=5), "cosine", 0)
    with_its_own = fit_bias(task.items_ND, popular, HubnessConfig(query_beta=20, item_beta=5), "cosine", 0)
    ignoring = replace(popular, positive_rows_Q=np.full(1_250, NO_ROW))
    without = fit_bias(task.items_ND, ignoring, HubnessConfig(query_beta=20, item_beta=5), "cosine", 0)
    assert with_its_own.bias.nearness_2N[0, 7] == pytest.approx(alone.bias.nearness_2N[0, 7], abs=0.02)
    assert without.bias.nearness_2N[0, 7] > alone.bias.nearness_2N[0, 7] + 0.3


@pytest.mark.parametrize(("n_items", "n_queries"), [(1, 5), (5, 1)])
def test_too_little_to_measure_is_refused(n_items: int, n_queries: int) -> None:
    task = shifted(n_items, n_queries)
    with pytest.raises(ConfigError, match="two queries and two items"):
        fit_bias(task.items_ND, task.asking(), HubnessConfig(), "cosine", 0)
