from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bundle.progress import NoProgress
from tests.training.small_data import ints
from tests.training.world import shop_config, write_shop
from training.auc import PooledAuc, pooled_scores
from training.compare import MODEL, Comparison, compare
from training.config import TrainConfig
from training.dataset import Dataset, load_dataset
from training.diagnostics import Diagnostics, depth, diagnose
from training.learn import Learned, Learner
from training.model import embed
from training.score import model_score
from training.splits import Split

Run = tuple[TrainConfig, Dataset, Split, Learned, Comparison]


def run(folder: Path, refit: str) -> Run:
    config = shop_config(trainer={"refit": refit, "epochs": 1}, quantizer=None)
    dataset = load_dataset(config.data, write_shop(folder))
    split = config.split.split(dataset)
    learned = Learner(config, dataset, split, NoProgress()).learn()
    cpu = torch.device("cpu")
    comparison = compare(
        config, dataset, split, learned.features.query, lambda q: model_score(learned.model, q, learned.items, cpu)
    )
    return config, dataset, split, learned, comparison


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(tmp_path_factory.mktemp("shop"), "none")


@pytest.fixture(scope="module")
def found(finished: Run) -> Diagnostics:
    return diagnose(*finished)


def test_bands_hold_every_item_and_pair_once_and_agree_with_recall(finished: Run, found: Diagnostics) -> None:
    _, dataset, split, _, comparison = finished
    assert found.count_N.sum() == len(split.train_N)
    for method, bands in found.bands.items():
        assert sum(band.items for band in bands) == len(dataset.items)
        assert sum(band.relevant for band in bands) == comparison.metrics[method]["relevant"]
        hits = sum(band.hits for band in bands)  # one relevant item a query, so pairs and queries weigh alike
        assert hits / 40 == pytest.approx(comparison.metrics[method][f"recall@{found.band_k}"])


def test_hits_are_those_that_metrics_count(finished: Run, found: Diagnostics) -> None:
    comparison = finished[-1]
    relevant = comparison.rankings[MODEL].relevant.values_V
    share = (found.hits.items_RK == relevant[:, None]).any(axis=1).mean()
    assert share == pytest.approx(comparison.metrics[MODEL]["recall@10"])
    assert found.hubness.occurrence_N.sum() == 40 * 10
    assert 1 - found.hubness.never == pytest.approx(comparison.metrics[MODEL]["coverage@10"])


def test_precision_and_propensity_are_measured_for_every_method(finished: Run, found: Diagnostics) -> None:
    comparison = finished[-1]
    for method, values in found.extra.items():
        assert set(values) == {"precision@5", "precision@10", "psp@5", "psp@10"}  # interactions without grades
        assert values["precision@10"] == pytest.approx(comparison.metrics[method]["recall@10"] / 10)
        assert 0 <= values["psp@10"] <= 1


def test_a_threshold_comes_from_validation_unless_the_model_was_trained_on_it(
    finished: Run, found: Diagnostics, tmp_path: Path
) -> None:
    assert found.threshold_from.startswith("validation")
    config, _, split, learned, comparison = finished
    item_ND = embed(learned.model.item, learned.items, torch.device("cpu"))
    assert np.array_equal(found.item_ND, item_ND)
    assert found.threshold is not None
    auc = PooledAuc.of(pooled_scores(comparison.score, comparison.queries, config.evaluation.exclude_seen))
    assert auc is not None
    assert found.auc is not None
    assert found.auc.pooled == auc.pooled
    refit = diagnose(*run(tmp_path, "validation"))
    assert refit.threshold_from.startswith("every other test query")
    assert refit.count_N.sum() == len(split.train_N) + len(split.validation_N)


def test_grades_of_the_test_part_give_graded_ndcg(finished: Run) -> None:
    config, dataset, split, learned, comparison = finished
    grade_N = np.ones(len(dataset.interactions), dtype=np.float32)
    graded = replace(dataset, interactions=replace(dataset.interactions, grade_N=grade_N))
    assert "graded_ndcg@5" not in diagnose(config, graded, split, learned, comparison).extra[MODEL]
    grade_N[split.test_N[::2]] = 3
    extra = diagnose(config, graded, split, learned, comparison).extra[MODEL]
    # One relevant item a query: its grade cancels, whatever it is.
    assert extra["graded_ndcg@5"] == pytest.approx(comparison.metrics[MODEL]["ndcg@5"])


def test_the_depth_is_that_of_the_metric_that_picks_the_epoch() -> None:
    assert depth(shop_config(trainer={"metric": "recall@5"})) == 5
    assert depth(shop_config(trainer={"metric": "mrr"})) == 5
    assert depth(shop_config(evaluation={"ks": ints(7, 10).tolist()}, trainer={"metric": "mrr"})) == 7
