"""Graded lists by hand, and Debian's made from a small table."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from benchmarks.debian_data import FILE
from benchmarks.graded_debian import debian_lists
from benchmarks.graded_lists import GradedTask, padded
from training.click_models.simulate import GradedLists


def a_task(test_Q: list[bool] | None = None) -> GradedTask:
    grade_QC = np.array([[3, 0, 1], [0, 2, 0], [0, 0, 0], [1, 0, 0]], dtype=np.float32)
    mask_QC = np.array([[True, True, True], [True, True, False], [True, True, True], [True, True, True]])
    lists = GradedLists(grade_QC, np.zeros_like(grade_QC), mask_QC, 3)
    return GradedTask("toy", lists, np.zeros((4, 3, 2), np.float32), None if test_Q is None else np.array(test_Q))


def test_ndcg_by_hand_with_padding_never_ranked_and_ties_in_the_middle() -> None:
    task, rows = a_task(), np.arange(4)
    score_QC = np.array([[0.0, 2.0, 1.0], [1.0, 0.0, 9.0], [0.0, 0.0, 0.0], [5.0, 5.0, 5.0]], dtype=np.float32)
    # Gains 7 at rank 3 and 1 at rank 2 of ideal 7 at rank 1 and 1 at rank 2.
    first = (7 / 2 + 1 / np.log2(3)) / (7 + 1 / np.log2(3))
    second, tied = 1 / np.log2(3), 1 / np.log2(3)  # padding does not stand before the second; three tied are rank 2
    assert task.ndcg(score_QC, rows) == pytest.approx((first + second + tied) / 3, abs=1e-6)
    assert task.ndcg(score_QC, rows[[1]]) == pytest.approx(second, abs=1e-6)


def test_queries_are_split_as_given_or_each_tested_once_by_seed() -> None:
    [(train, test)] = a_task([False, True, False, True]).folds(5)
    assert train.tolist() == [0, 2] and test.tolist() == [1, 3]
    folds = a_task().folds(5)
    assert sorted(np.concatenate([test for _, test in folds]).tolist()) == [0, 1, 2, 3]
    assert all(not set(train) & set(test) for train, test in folds)
    assert any((one[1] != other[1]).any() for one, other in zip(folds, a_task().folds(6), strict=True))


def test_rows_of_numbers_and_of_vectors_are_padded_alike() -> None:
    array, mask = padded([np.ones((1, 2), np.float32), np.full((3, 2), 2, np.float32)])
    assert array[:, :, 0].tolist() == [[1, 0, 0], [2, 2, 2]]
    assert mask.tolist() == [[True, False, False], [True, True, True]]


def test_debian_lists_keep_to_their_part_and_other_sources_and_grade_by_shared_tags(tmp_path: Path) -> None:
    tags = ["use::editing", "works-with::text", "interface::x11", "role::program"]
    packages = [
        {
            "package": f"{part}-{number}",
            "source": f"{part}-{number // 2}",
            "section": "editors",
            "short_description": f"an editor {number}",
            "long_description": f"it is an editor of text number {number}",
            # One package in seven has all three tags that count, the others the first two.
            "tags": tags[:3] if number % 7 == 0 else [*tags[:2], tags[3]],
            "depends": ["libc6", "libgtk|libqt"],
            "split": part,
        }
        for part in ("train", "test")
        for number in range(14)
    ]
    pa.parquet.write_table(pa.Table.from_pylist(packages), tmp_path / FILE)
    task = debian_lists(tmp_path, 4, 3)
    assert task.feature_QCF.shape[:2] == task.lists.grade_QC.shape == (7, 10)
    assert task.test_Q is not None and task.test_Q.tolist() == [False] * 4 + [True] * 3
    # Equal tags are all shared: grade 3; two of three are two thirds: grade 2. Role says nothing.
    assert set(task.lists.grade_QC.ravel().tolist()) == {2.0, 3.0}
    assert np.isfinite(task.feature_QCF).all()
    assert (task.lists.score_QC == task.feature_QCF[:, :, 0]).all()
    again = debian_lists(tmp_path, 4, 3)
    assert (again.feature_QCF == task.feature_QCF).all()
