from dataclasses import replace
from pathlib import Path

import ir_measures
import numpy as np
import pytest
from ir_measures import RR, R, nDCG

from bundle.store import open_bundle
from evaluation.comparison_page import comparison_page
from evaluation.errors import QueriesDiffer
from evaluation.significance import SignificanceConfig
from evaluation.trec import write_qrels, write_run
from tests.training.conftest import Trained
from training.baselines import popularity
from training.bundle_comparison import answers, compare_bundles, run_of
from training.compare import MODEL, compare
from training.evaluate_bundle import MeasuredBundle, measure_bundle
from training.load import load

QUICK = SignificanceConfig(resamples=200, permutations=200)


@pytest.fixture(scope="module")
def measured(trained: Trained) -> MeasuredBundle:
    return measure_bundle(open_bundle(trained.collection, trained.result.bundle_id), trained.tables, "test")


@pytest.fixture(scope="module")
def popular(trained: Trained, measured: MeasuredBundle) -> MeasuredBundle:
    """As if a bundle knew nothing but popularity."""
    dataset, split = load(measured.config, trained.tables)
    bundle = open_bundle(trained.collection, trained.result.bundle_id)
    score = popularity(dataset.interactions.item_N[split.train_N], len(dataset.items))
    found = compare(measured.config, dataset, split, bundle.query.featurizer, lambda queries: score)
    return replace(measured, bundle_id="popular", comparison=found)


def test_written_files_measure_elsewhere_as_here(measured: MeasuredBundle, tmp_path: Path) -> None:
    write_run(tmp_path / "a.run", run_of(measured, 60))
    write_qrels(tmp_path / "q.txt", answers(measured))
    run = list(ir_measures.read_trec_run(str(tmp_path / "a.run")))  # type: ignore[no-untyped-call]
    qrels = list(ir_measures.read_trec_qrels(str(tmp_path / "q.txt")))  # type: ignore[no-untyped-call]
    theirs = ir_measures.calc_aggregate([nDCG @ 10, R @ 5, RR], qrels, run)
    ours = measured.comparison.metrics[MODEL]
    assert theirs[nDCG @ 10] == pytest.approx(ours["ndcg@10"])
    assert theirs[R @ 5] == pytest.approx(ours["recall@5"])
    assert theirs[RR] == pytest.approx(ours["mrr"])
    assert len(run_of(measured, 3).scores["q0"]) == 3


def test_two_bundles_are_compared_by_their_own_metrics_on_the_same_queries(
    measured: MeasuredBundle, popular: MeasuredBundle
) -> None:
    found = compare_bundles(popular, measured, QUICK)
    assert (found.left.name, found.right.name, found.n_queries) == ("popular", measured.bundle_id, 40)
    for one in found.results:
        assert one.left == pytest.approx(popular.comparison.metrics[MODEL][one.metric])
        assert one.right == pytest.approx(measured.comparison.metrics[MODEL][one.metric])
    assert found.outcome == "better"
    shown = found.best[0]
    assert shown.right[0].name.split()[0] in {"red", "steel", "garden", "paper"}  # a title, not an id
    assert any(item.is_relevant for item in shown.right)
    assert "is better" in comparison_page(found)


def test_bundles_that_were_asked_something_else_are_told_apart(measured: MeasuredBundle) -> None:
    ranking = measured.comparison.rankings[MODEL]
    fewer = replace(ranking, query_R=ranking.query_R[:-1], relevant=ranking.relevant.take(np.arange(39)))
    other = replace(measured, comparison=replace(measured.comparison, rankings={MODEL: fewer}))
    with pytest.raises(QueriesDiffer, match="not asked the same on the test part.*40 and 39 queries"):
        compare_bundles(measured, other, QUICK)
    config = measured.config.model_copy(
        update={"evaluation": measured.config.evaluation.model_copy(update={"ks": (7,)})}
    )
    with pytest.raises(QueriesDiffer, match="at no common depth"):
        compare_bundles(measured, replace(measured, config=config), QUICK)
