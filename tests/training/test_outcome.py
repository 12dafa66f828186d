from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bundle.progress import NoProgress
from tests.training.world import shop_config, write_shop
from training.compare import compare
from training.dataset import load_dataset
from training.learn import Learner
from training.outcome import Outcome
from training.score import model_score


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder: Path = write_shop(tmp_path_factory.mktemp("shop"))
    config = shop_config(trainer={"refit": "none", "epochs": 1})
    dataset = load_dataset(config.data, folder)
    split = config.split.split(dataset)
    learned = Learner(config, dataset, split, NoProgress()).learn()
    cpu = torch.device("cpu")
    comparison = compare(
        config, dataset, split, learned.features.query, lambda q: model_score(learned.model, q, learned.items, cpu)
    )
    return Outcome(config, dataset, split, learned, comparison, None)


def test_counts_add_up(outcome: Outcome) -> None:
    counts = outcome.counts()
    parts = ("train_interactions", "validation_interactions", "test_interactions")
    assert sum(counts[part] for part in parts) == counts["interactions"] == 480
    assert counts["examples"] + counts["interactions_left_out_of_examples"] == counts["train_interactions"]


def test_the_table_has_a_row_for_each_metric_and_a_column_for_each_method(outcome: Outcome) -> None:
    header, *rows = outcome.metric_table()
    assert header == ["metric", "model", "popularity", "item-knn"]
    assert {"recall@5", "ndcg@10", "coverage@10", "mrr"} <= {row[0] for row in rows}
    assert all(len(row) == len(header) for row in rows)
    recall = next(row for row in rows if row[0] == "recall@5")
    assert recall[1] == f"{outcome.comparison.metrics['model']['recall@5']:.4g}"


def test_large_counts_are_written_out(outcome: Outcome) -> None:
    metrics = {"model": {"relevant": 20217.0, "mrr": 0.123456}}
    many = replace(outcome, comparison=replace(outcome.comparison, metrics=metrics))
    assert many.metric_table()[1:] == [["relevant", "20,217"], ["mrr", "0.1235"]]


def test_tables_beyond_the_averages_have_the_same_methods(outcome: Outcome) -> None:
    header, *rows = outcome.band_table()
    assert header == ["times trained", "items", "relevant", "model", "popularity", "item-knn"]
    assert [row[0] for row in rows] == ["0", "1–4", "5–19", "20–99", "100+"]
    assert sum(int(row[1]) for row in rows) == 60
    assert rows[-1][1:] == ["0", "0", "–", "–", "–"]
    assert outcome.extra_table()[0] == ["metric", "model", "popularity", "item-knn"]
    assert outcome.diagnostics is outcome.diagnostics  # measured once
