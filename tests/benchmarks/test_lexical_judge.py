"""BM25 as a teacher judges training pairs alone, on the scale of each query's best."""

import numpy as np
import pytest

pytest.importorskip("bm25s", reason="the package bm25s comes with the extra 'train'")

from benchmarks.exam import Exam
from benchmarks.lexical import bm25
from benchmarks.lexical_judge import judged_by_bm25
from benchmarks.text_task import TEXT, Pairs, Task, text_dataset
from tests.training.small_data import ints

DOCUMENTS = ["red lamp", "red lamp desk", "steel pan", "a red pan", "garden chair", "red lamp of another part"]
QUERIES = ["red lamp", "steel pan red", "submarine", "garden", "red lamp held out"]


@pytest.fixture(scope="module")
def task() -> Task:
    """Query 1 has the answers 2 and 3; query 4 and document 5 are held out, though both hold the words of query 0."""
    pairs = Pairs(ints(0, 1, 1, 2, 3, 4), ints(1, 2, 3, 0, 4, 5))
    dataset = text_dataset(
        {"item_id": [f"d{row}" for row in range(6)], TEXT: DOCUMENTS},
        {"query_id": [f"q{row}" for row in range(5)], TEXT: QUERIES},
        pairs,
    )
    split = pairs.split(np.array([True] * 5 + [False]))
    exams: dict[str, Exam] = {}
    return Task("t", dataset, split, {}, "", (1,), exams)


def judged(task: Task, keep: int) -> dict[tuple[int, int], float]:
    found = judged_by_bm25(task, keep).dataset.judgements
    assert found is not None
    pairs = list(zip(found.query_N.tolist(), found.item_N.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)
    return dict(zip(pairs, found.score_N.tolist(), strict=True))


def test_the_best_documents_and_the_own_are_judged(task: Task) -> None:
    found = judged(task, 1)
    assert set(found) == {(0, 0), (0, 1), (1, 2), (1, 3), (3, 4)}  # query 2 has no word of any document
    scores = bm25(DOCUMENTS[:5], QUERIES)(ints(0, 1, 3))
    assert found[0, 0] == found[1, 2] == found[3, 4] == 1
    assert found[0, 1] == pytest.approx(scores[0, 1] / scores[0, 0])
    assert found[1, 3] == pytest.approx(scores[1, 3] / scores[1, 2])


def test_nothing_that_is_held_out_is_judged_however_many_are_kept(task: Task) -> None:
    found = judged(task, 99)
    assert {query for query, _ in found} == {0, 1, 3}
    assert {item for query, item in found if query == 0} == {0, 1, 2, 3, 4}
    assert all(0 <= score <= 1 for score in found.values())
