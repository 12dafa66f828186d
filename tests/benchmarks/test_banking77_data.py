"""The reader on made-up files of the same layout."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.banking77_data import banking77, wrong_labels
from bundle.config import validate_config
from training.config import TrainConfig
from training.errors import BadData

INTENTS = ("card_arrival", "lost_card", "top_up")


def write(root: Path, n_train: int = 60) -> Path:
    folder = root / "banking77"
    folder.mkdir()
    for part, count in (("train", n_train), ("test", 6)):
        rows = "".join(f'"{part}, message {i}",{INTENTS[i % 3]}\n' for i in range(count))
        (folder / f"{part}.csv").write_text(f"text,category\n{rows}")
    return root


@pytest.mark.parametrize("noise", [0.0, 0.2, 0.4])
def test_noise_changes_exactly_its_share_and_always_the_label(noise: float) -> None:
    truth = np.arange(1000) % 7
    labels = wrong_labels(truth, 7, noise, seed=3)
    assert (labels != truth).sum() == noise * 1000
    assert set(labels) <= set(range(7))
    np.testing.assert_array_equal(labels, wrong_labels(truth, 7, noise, seed=3))
    assert noise == 0 or (labels != wrong_labels(truth, 7, noise, seed=4)).any()


def test_wrong_labels_are_even_over_the_others() -> None:
    labels = wrong_labels(np.zeros(6000, dtype=np.int64), 4, 1.0, seed=0)
    assert np.bincount(labels, minlength=4)[1:] == pytest.approx(2000, rel=0.1)
    assert not (labels == 0).any()


def test_only_training_messages_are_wrong_and_exams_keep_the_truth(tmp_path: Path) -> None:
    noisy = banking77(write(tmp_path), noise=0.5, seed=1)
    task, interactions = noisy.task, noisy.task.dataset.interactions
    assert noisy.wrong_N.sum() == 30
    assert not noisy.wrong_N[task.split.test_N].any()
    assert interactions.item_N[task.split.test_N].tolist() == [0, 1, 2, 0, 1, 2]
    assert (len(task.split.train_N), len(task.split.validation_N)) == (54, 6)
    for exam in task.exams.values():
        assert exam.relevant.values_V.tolist() == [row % 3 for row in exam.query_rows_Q]
    assert task.document_texts(task.exams["test"]) == ["card arrival", "lost card", "top up"]
    assert task.query_texts(task.exams["test"].query_rows_Q)[0] == "test, message 0"
    validate_config(TrainConfig, task.base, "base")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"train\.csv is not there; give the folder"):
        banking77(tmp_path)
