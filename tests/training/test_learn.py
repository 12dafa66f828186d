"""Learning from tables: repeatable, resumable after a real kill, and better than chance."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import torch

from bundle.progress import NoProgress
from tests.training.small_data import small_dataset
from tests.training.world import shop_config, write_shop
from training.config import TrainConfig
from training.dataset import load_dataset
from training.errors import BadData, CheckpointCorrupt, Diverged
from training.learn import Learned, Learner
from training.model import embed, text_idf

RUN_AND_DIE = """
import os, signal, sys
from pathlib import Path
from bundle.progress import NoProgress
from training.config import TrainConfig
from training.dataset import load_dataset
from training.learn import Learner

class Killer(NoProgress):
    left = int(sys.argv[3])
    def advance(self, n=1):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

folder = Path(sys.argv[1])
config = TrainConfig.model_validate_json(Path(sys.argv[2]).read_text())
dataset = load_dataset(config.data, folder)
Learner(config, dataset, config.split.split(dataset), Killer(), folder / "checkpoints").learn()
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shop(tmp_path_factory.mktemp("shop"))


def learn(shop: Path, config: TrainConfig, checkpoints: Path | None = None, *, resume: bool = False) -> Learned:
    dataset = load_dataset(config.data, shop)
    return Learner(config, dataset, config.split.split(dataset), NoProgress(), checkpoints).learn(resume=resume)


def same_weights(first: Learned, second: Learned) -> bool:
    a, b = first.model.state_dict(), second.model.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture(scope="module")
def uninterrupted(shop: Path) -> Learned:
    return learn(shop, shop_config())


def test_it_learns(uninterrupted: Learned) -> None:
    assert uninterrupted.logs[-1].loss < 0.8 * uninterrupted.logs[0].loss
    assert len(uninterrupted.final_logs) == uninterrupted.best_epoch
    assert max(log.metrics["recall@10"] for log in uninterrupted.logs) > 0.35  # 10 of 60 items by chance: 0.17


def test_equal_seeds_give_equal_weights_and_other_seeds_others(shop: Path, uninterrupted: Learned) -> None:
    assert same_weights(learn(shop, shop_config()), uninterrupted)
    assert not same_weights(learn(shop, shop_config(trainer={"seed": 1})), uninterrupted)


# 480 interactions, 400 to train on, 64 a batch: 7 steps an epoch; later ones fall into the second training.
@pytest.mark.parametrize("killed_at_step", [10, 16, 26])
def test_a_killed_run_that_resumes_ends_with_the_same_weights(
    shop: Path, uninterrupted: Learned, tmp_path: Path, killed_at_step: int
) -> None:
    folder = write_shop(tmp_path)
    kill(folder, shop_config(), killed_at_step)
    assert same_weights(learn(folder, shop_config(), folder / "checkpoints", resume=True), uninterrupted)


def test_a_killed_run_with_chunks_memory_warmup_and_bfloat16_ends_with_the_same_weights(tmp_path: Path) -> None:
    folder = write_shop(tmp_path)
    more = {"chunk_size": 16, "memory": {"batches": 3}, "warmup": 0.4, "precision": "bf16", "refit": "none"}
    config = shop_config(trainer=more)
    kill(folder, config, 16)  # in the third epoch, when the memory is full
    assert same_weights(learn(folder, config, folder / "checkpoints", resume=True), learn(folder, config))


def kill(folder: Path, config: TrainConfig, at_step: int) -> None:
    settings = folder / "config.json"
    settings.write_text(config.model_dump_json())
    command = [sys.executable, "-c", RUN_AND_DIE, str(folder), str(settings), str(at_step)]
    process = subprocess.run(command, cwd=Path(__file__).parents[2], env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert process.returncode == -signal.SIGKILL
    assert list((folder / "checkpoints").iterdir())


def test_a_checkpoint_of_other_settings_is_refused(shop: Path, tmp_path: Path) -> None:
    learn(shop, shop_config(trainer={"refit": "none", "epochs": 1}), tmp_path)
    with pytest.raises(CheckpointCorrupt, match="other settings"):
        learn(shop, shop_config(trainer={"refit": "none", "epochs": 2}), tmp_path, resume=True)


def test_a_refit_checkpoint_of_another_run_is_refused_before_anything_is_trained(shop: Path, tmp_path: Path) -> None:
    learn(shop, shop_config(), tmp_path)
    (tmp_path / "refit.checkpoint").rename(tmp_path / "kept")
    other = shop_config(trainer={"learning_rate": 0.02})
    learn(shop, other, tmp_path)
    (tmp_path / "kept").rename(tmp_path / "refit.checkpoint")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Learner, "_train", None)
        with pytest.raises(CheckpointCorrupt, match=r"refit\.checkpoint belongs to a run.*delete it"):
            learn(shop, other, tmp_path, resume=True)
    (tmp_path / "refit.checkpoint").unlink()  # as the message says
    assert same_weights(learn(shop, other, tmp_path, resume=True), learn(shop, other))


def test_a_refit_checkpoint_of_a_killed_run_is_gone_when_the_next_one_starts_anew(tmp_path: Path) -> None:
    """The first run dies in its second training; the next starts anew, dies in its first and is resumed."""
    folder, other = write_shop(tmp_path), shop_config(trainer={"learning_rate": 0.02})
    kill(folder, shop_config(), 31)
    assert (folder / "checkpoints" / "refit.checkpoint").exists()
    kill(folder, other, 10)
    assert same_weights(learn(folder, other, folder / "checkpoints", resume=True), learn(folder, other))


def test_without_resume_old_checkpoints_do_not_matter(shop: Path, tmp_path: Path) -> None:
    learn(shop, shop_config(trainer={"refit": "none", "epochs": 1}), tmp_path)
    config = shop_config(trainer={"refit": "none", "epochs": 2})
    assert same_weights(learn(shop, config, tmp_path), learn(shop, config))


def test_a_loss_that_is_not_finite_names_the_step(shop: Path) -> None:
    with pytest.raises(Diverged, match="step 2 of epoch 1"):
        learn(shop, shop_config(metric="dot", trainer={"learning_rate": 1e38}))


@pytest.mark.parametrize(
    "changes",
    [
        {"negatives": {"kind": "catalogue"}, "objective": {"logq": "none", "kind": "softmax"}},
        {"negatives": {"kind": "uniform", "n": 30}, "objective": {"logq": "none"}},
        {"negatives": {"kind": "popularity", "n": 30}, "objective": {"logq": "corrected"}},
        {"query_tower": {"history": {"kind": "attention", "layers": 1}}},
        {"query_tower": {"history": {"kind": "mean", "share_items": True}}},
    ],
)
def test_every_combination_learns(shop: Path, changes: dict[str, Any]) -> None:
    learned = learn(shop, shop_config(trainer={"refit": "none"}, **changes))
    assert max(log.metrics["recall@10"] for log in learned.logs) > 0.25


def test_all_items_of_a_query_can_be_its_targets(shop: Path) -> None:
    config = shop_config(
        examples={"kind": "query", "history_feature": None},
        features={**shop_config().features.model_dump(), "query": [{"kind": "category", "name": "query_id"}]},
        trainer={"epochs": 8, "batch_size": 8, "refit": "none", "patience": 8},
    )
    learned = learn(shop, config)
    assert learned.examples == 40
    assert max(log.metrics["recall@10"] for log in learned.logs) > 0.3


@pytest.mark.parametrize("share_items", [False, True])
def test_an_item_without_interactions_is_embedded_from_its_other_features_only(share_items: bool) -> None:
    pairs = [(query, (query + buy) % 5) for buy in range(4) for query in range(6)]
    dataset = small_dataset(pairs, seconds=range(24), n_items=6, item_columns={"colour": ["red", "blue"] * 3})
    config = shop_config(
        features={
            "query": [{"kind": "sequence", "name": "history"}],
            "item": [{"kind": "category", "name": "item_id"}, {"kind": "category", "name": "colour"}],
        },
        query_tower={"history": {"kind": "mean", "share_items": share_items}},
        trainer={"epochs": 1, "refit": "none"},
    )
    learned = Learner(config, dataset, config.split.split(dataset), NoProgress()).learn()
    features, cpu = learned.features, torch.device("cpu")
    items = features.item.encode([{"item_id": name, "colour": "red"} for name in ("i5", "unknown", "i0")])
    queries = features.query.encode([{"history": ["i1", name]} for name in ("i5", "unknown", "i0")])
    for tower, records in ((learned.model.item, items), (learned.model.query, queries)):
        cold_D, unknown_D, warm_D = embed(tower, records, cpu)
        assert cold_D @ unknown_D == pytest.approx(1, abs=1e-6)
        assert warm_D @ unknown_D < 0.99


def test_a_query_counts_once_in_its_idf() -> None:
    pairs = [(0, item) for item in range(6)] + [(1, 0), (1, 1), (1, 2)]
    text: dict[str, Sequence[object]] = {"text": ["red", "pan"]}
    dataset = small_dataset(pairs, seconds=range(9), query_columns=text, item_columns={"colour": ["red"] * 6})
    feature = {"kind": "text", "name": "text", "buckets": 50}
    config = shop_config(
        features={"query": [feature], "item": [{"kind": "category", "name": "item_id"}]},
        examples={"history_feature": None},
        trainer={"epochs": 1, "refit": "none"},
    )
    learned = Learner(config, dataset, config.split.split(dataset), NoProgress()).learn()
    records = learned.features.query.encode([{"text": "red"}, {"text": "pan"}])
    expected = text_idf(config.features.query, records)["text"]
    found = learned.model.query.state_dict()["encoders.0.idf_V"]
    torch.testing.assert_close(found[1:], expected[1:])


def test_a_checkpoint_of_other_data_is_refused(shop: Path, tmp_path: Path) -> None:
    config = shop_config(trainer={"refit": "none", "epochs": 1})
    learn(shop, config, tmp_path)
    dataset = load_dataset(config.data, shop)
    position = dataset.items.table.column_names.index("price")
    price = pa.array([1.0] * len(dataset.items))
    other = replace(
        dataset, items=replace(dataset.items, table=dataset.items.table.set_column(position, "price", price))
    )
    with pytest.raises(CheckpointCorrupt, match="other settings"):
        Learner(config, other, config.split.split(other), NoProgress(), tmp_path).learn(resume=True)


def test_data_without_the_grades_that_the_objective_needs_are_refused_before_training(shop: Path) -> None:
    with pytest.raises(BadData, match="'decoupled_softmax' learns from grades"):
        learn(shop, shop_config(objective={"kind": "decoupled_softmax", "grade_weights": True}))
