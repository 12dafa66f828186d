"""The tasks on a made-up file: nobody is trained on, tuned on or asked what another part has."""

import numpy as np
import pytest

from benchmarks.rerank_parts.fine_tuning import mined_negatives
from benchmarks.rerank_parts.first_stages import Found
from benchmarks.rerank_parts.text_tasks import RerankTask, Sizes, debian_rerank
from tests.benchmarks.test_debian_data import write


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> RerankTask:
    return debian_rerank(write(tmp_path_factory.mktemp("debian")), Sizes(2, 4, 1, 3, 2, 5))


def test_exams_are_small_and_have_their_answers(task: RerankTask) -> None:
    sizes = {name: (len(exam), len(exam.item_rows_C)) for name, exam in task.exams.items()}
    assert sizes == {"train": (2, 4), "dev": (1, 3), "test": (2, 5)}
    for exam in task.exams.values():
        assert exam.item_rows_C[exam.relevant.values_V].tolist() == exam.query_rows_Q.tolist()


def test_parts_are_apart(task: RerankTask) -> None:
    train, dev, test = (set(task.exams[name].query_rows_Q.tolist()) for name in ("train", "dev", "test"))
    assert train <= set(range(6))
    assert dev <= {6, 7}
    assert test == {8, 9}
    assert set(task.exams["train"].item_rows_C.tolist()) <= set(range(6))
    assert not set(task.exams["dev"].item_rows_C.tolist()) & test


def test_negatives_are_what_was_found_but_for_the_answers(task: RerankTask) -> None:
    exam = task.exams["train"]
    answer = exam.relevant.values_V
    others = [np.setdiff1d(np.arange(4), answer[[query]]) for query in range(2)]
    place_QR = np.array([[others[0][0], answer[0], others[0][1]], [answer[1], others[1][2], -1]])
    mined = mined_negatives(task, Found(place_QR, np.array([[3, 2, 1], [3, 2, -np.inf]], dtype=np.float32)))
    found = [mined.found.items.row(query).tolist() for query in range(2)]
    assert found == [exam.item_rows_C[others[0][:2]].tolist(), exam.item_rows_C[others[1][2:]].tolist()]
    assert mined.found.score_V.tolist() == [3, 1, 2]
    assert mined.queries.asked.values_V.tolist() == exam.item_rows_C[answer].tolist()
