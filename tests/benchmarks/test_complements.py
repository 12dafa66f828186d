"""Complement tasks: which relations count, and how answers are marked."""

from typing import Any

import numpy as np
import pytest

from benchmarks.complement_data import ComplementTask, stated
from benchmarks.semantic_id_parts import complements
from bundle.columns import EncodedRecords
from tests.training.small_data import ints, small_dataset
from training.evaluation_set import EvaluationSet
from training.ragged import IntArray, Ragged
from training.splits import Split


def package(name: str, source: str, split: str, **relations: list[str]) -> dict[str, Any]:
    return {"package": name, "source": source, "split": split, "recommends": None, "suggests": None} | relations


def test_alternatives_are_pairs_of_their_own_and_packages_of_one_source_or_outside_the_file_are_none() -> None:
    rows = stated(
        [
            package("editor", "editor", "test", recommends=["spell|speller", "editor-doc"], suggests=["spell", "gone"]),
            package("editor-doc", "editor", "test"),
            package("spell", "spell", "train", suggests=["editor"]),
            package("speller", "speller", "train"),
        ]
    )
    assert [(row["item_id"], row["related_id"], row["relation"], row["split"]) for row in rows] == [
        ("editor", "spell", "recommends", "test"),
        ("editor", "speller", "recommends", "test"),
        ("spell", "editor", "suggests", "train"),
    ]


def test_hits_among_the_commonest_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(complements, "COMMONEST", 1)
    none = Ragged.from_rows([[], []])
    barred = Ragged.from_rows([[2], [3]])
    queries = EvaluationSet(ints(2, 3), EncodedRecords({}, 2), Ragged.from_rows([[0, 1], [0]]), none, none, barred)
    scores_NN = np.array([[0] * 4, [0] * 4, [4, 3, 9, 1], [1, 2, 3, 9]], dtype=np.float32)
    marks = complements.marks(lambda rows: scores_NN[rows], queries, np.array([9, 1, 1, 1], dtype=np.float32))
    assert marks["recall@20"] == 1.0
    assert marks["uncommon_hits@20"] == pytest.approx(1 / 3)  # item 0, the commonest, is two of the three hits


def test_neighbours_by_text_lend_a_new_item_what_goes_with_them() -> None:
    dataset = small_dataset([(0, 2), (1, 3)], n_queries=5, n_items=5)
    texts = ["spell checker for english", "image viewer", "dictionary", "photos", "spell checker for german"]
    task = ComplementTask("small", dataset, Split(ints(0, 1), ints(), ints()), texts, {})
    scores_N = complements.text_knn(task, 1)(ints(4))[0]
    assert scores_N.argmax() == 2
    assert scores_N[3] == 0


def test_counts_are_the_weights_of_training_alone() -> None:
    dataset = small_dataset([(0, 1), (0, 2), (1, 0)], n_queries=3, weights=[4, 2, 1])
    task = ComplementTask("small", dataset, Split(ints(0, 2), ints(), ints(1)), [], {})
    rows: IntArray = ints(0, 1)
    assert complements.counts(task)(rows).tolist() == [[0, 4, 0], [1, 0, 0]]
