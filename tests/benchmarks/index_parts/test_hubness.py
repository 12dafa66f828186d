import numpy as np

from benchmarks.index_parts.german_english import Embedded
from benchmarks.index_parts.hubness import marks, measured
from tests.index.hubness.hubs import shifted


def test_marks_count_what_was_to_be_found_and_who_is_everywhere() -> None:
    task = shifted(n_items=4, n_queries=3, dimension=4)
    made = Embedded(task.items_ND, task.asking(), task.asking())
    rows_QK = np.array([[0, 1], [0, 2], [0, 3]])
    made.test.positive_rows_Q[:] = [0, 2, 1]
    found = marks(rows_QK, made)
    assert (found["recall@1"], found["recall@10"]) == (1 / 3, 2 / 3)
    assert (found["largest"], found["never"]) == (3, 0)


def test_a_bank_of_queries_undoes_hubs_that_queries_make() -> None:
    task = shifted()
    asking = task.asking()
    made = Embedded(task.items_ND, asking.at(np.arange(600)), asking.at(np.arange(600, 1_200)))
    found = measured(made, 0)
    assert found["inverted-softmax"]["skewness"] < found["raw"]["skewness"] / 2
    assert found["inverted-softmax"]["recall@1"] > found["raw"]["recall@1"] + 0.05
    assert found["dual-inverted-softmax"]["fit_cpu_s"] > 0
