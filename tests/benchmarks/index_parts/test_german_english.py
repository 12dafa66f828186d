from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.debian_data import FILE
from benchmarks.index_parts import german_english as module
from benchmarks.index_parts.german_english import TRANSLATIONS, by_regression, by_tower, distinct, german_english
from benchmarks.index_parts.hubness import measured
from benchmarks.text_task import Task
from training.errors import BadData

PARTS = ["train"] * 8 + ["dev", "test"]


@pytest.fixture
def task(tmp_path: Path) -> Task:
    """300 packages of twelve words each, which German writes with an ending."""
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefghij"), 8)) for _ in range(120)]
    texts = [[words[w] for w in rng.choice(120, 12, replace=False)] for _ in range(300)]
    names = [f"p{row:03}" for row in range(300)]
    english = {"short_description": [t[0] for t in texts], "long_description": [" ".join(t[1:]) for t in texts]}
    german = {"short_de": [t[0] + "ung" for t in texts], "long_de": [" ".join(w + "ung" for w in t[1:]) for t in texts]}
    split = [PARTS[row % 10] for row in range(300)]
    pq.write_table(pa.table({"package": names, **english, "split": split}), tmp_path / FILE)
    pq.write_table(
        pa.table({"package": names[:-1], **{key: value[:-1] for key, value in german.items()}}), tmp_path / TRANSLATIONS
    )
    return german_english(tmp_path)


def test_parts_are_apart_and_every_query_finds_its_own_document(task: Task) -> None:
    dev, test = task.exams["dev"], task.exams["test"]
    assert len(task.dataset.items) == 299  # one has no translation
    assert (len(dev), len(test), len(test.item_rows_C)) == (30, 29, 299)
    assert not set(dev.query_rows_Q) & set(test.query_rows_Q)
    assert test.item_rows_C[test.relevant.values_V].tolist() == test.query_rows_Q.tolist()
    text = task.query_texts(test.query_rows_Q[:1])[0]
    document = task.document_texts(test)[int(test.relevant.values_V[0])]
    assert text.replace("ung", "") == document


def test_repeated_and_short_texts_are_dropped() -> None:
    long = ["a" * 80, "b" * 80, "c" * 80, "d" * 80]
    texts = [(long[0], long[1]), (long[2], long[1]), ("short", long[3]), (long[3], long[3]), (long[3], long[2])]
    assert distinct(texts) == [0]
    assert distinct([(long[0], long[1]), (long[2], long[3])]) == [0, 1]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="is not there"):
        german_english(tmp_path)


@pytest.mark.parametrize("name", ["regression", "tower"])
def test_both_encoders_learn_the_other_language(task: Task, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PENALTY", 0.1)
    made = by_regression(task, 0) if name == "regression" else by_tower(task, 0, epochs=30)
    np.testing.assert_allclose(np.linalg.norm(made.document_CD, axis=1), 1, atol=1e-5)
    found = measured(made, 0)
    assert found["raw"]["recall@10"] > 0.5  # at random .03
    assert set(found) == {
        "raw",
        "inverted-softmax",
        "dual-inverted-softmax",
        "dual-dynamic-inverted-softmax",
        "inverted-softmax-item-bank",
    }
    assert found["inverted-softmax"]["overlap"] > 0.95
