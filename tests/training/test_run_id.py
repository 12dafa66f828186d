"""Whatever training reads changes the digest; how the tables lie in memory does not."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from tests.training.small_data import ints, small_dataset
from tests.training.world import shop_config
from training.dataset import Dataset, Judgements
from training.rankers.contract import Reads
from training.rankers.cross_encoder import CrossEncoderConfig
from training.run_id import reads_of, run_id
from training.splits import Split
from training.teachers.adversarial import RankerTeacherConfig

CONFIG = shop_config(
    features={
        "query": [{"kind": "category", "name": "land"}, {"kind": "sequence", "name": "history"}],
        "item": [{"kind": "number", "name": "price"}, {"kind": "categories", "name": "tags"}],
    }
)
SPLIT = Split(ints(0, 1), ints(2), ints(3))


def dataset(
    *,
    seconds: Sequence[int] = (1, 2, 3, 4),
    weights: Sequence[float] | None = (1, 1, 1, 1),
    land: Sequence[object] = ("fr", "de"),
    price: Sequence[object] = (1.0, None),
    tags: Sequence[object] = (["a"], None),
    unread: Sequence[object] = (0, 0),
) -> Dataset:
    return small_dataset(
        [(0, 0), (1, 0), (0, 1), (1, 1)],
        seconds=seconds,
        weights=weights,
        query_columns={"land": land},
        item_columns={"price": price, "tags": tags, "unread": unread},
    )


BASE = run_id(CONFIG, dataset(), SPLIT)


@pytest.mark.parametrize(
    "other",
    [
        dataset(seconds=[1, 2, 4, 4]),
        dataset(weights=[1, 2, 1, 1]),
        dataset(weights=None),
        dataset(land=["fr", "it"]),
        dataset(price=[1.0, 2.0]),
        dataset(tags=[["a"], ["b"]]),
    ],
)
def test_other_data_is_another_run(other: Dataset) -> None:
    assert run_id(CONFIG, other, SPLIT) != BASE


def test_another_split_or_setting_is_another_run() -> None:
    assert run_id(CONFIG, dataset(), Split(ints(0), ints(1, 2), ints(3))) != BASE
    assert run_id(CONFIG.model_copy(update={"dimension": 8}), dataset(), SPLIT) != BASE


def test_what_training_does_not_read_and_how_tables_are_cut_are_no_difference() -> None:
    assert run_id(CONFIG, dataset(unread=[0, 1]), SPLIT) == BASE
    same = dataset()
    cut = pa.concat_tables([same.items.table.slice(0, 1), same.items.table.slice(1)])
    assert run_id(CONFIG, replace(same, items=replace(same.items, table=cut)), SPLIT) == BASE


def with_grades(grades: Sequence[float]) -> Dataset:
    plain = dataset()
    return replace(plain, interactions=replace(plain.interactions, grade_N=np.array(grades, dtype=np.float32)))


def with_judgements(query: int, item: int, score: float) -> Dataset:
    score_N = np.array([score], dtype=np.float32)
    return replace(dataset(), judgements=Judgements(ints(query), ints(item), score_N, pa.table({"score": score_N})))


def test_other_grades_are_another_run() -> None:
    digests = {
        run_id(CONFIG, data, SPLIT) for data in (dataset(), with_grades([1, 1, 1, 1]), with_grades([1, 2, 1, 1]))
    }
    assert len(digests) == 3


def test_other_judgements_are_another_run_and_so_are_other_test_pairs_that_drop_them() -> None:
    judged = [with_judgements(0, 0, 0.5), *(with_judgements(*pair) for pair in ((1, 0, 0.5), (0, 1, 0.5), (0, 0, 0.6)))]
    assert len({run_id(CONFIG, data, SPLIT) for data in (dataset(), *judged)}) == 5
    other = Split(ints(0, 1), ints(2), ints(1))
    assert run_id(CONFIG, judged[0], other) != run_id(CONFIG, judged[0], SPLIT)


def test_what_a_teacher_reads_is_part_of_the_run() -> None:
    ranker = CrossEncoderConfig(model="tiny", query_columns=("land",), item_columns=("unread",))
    reading = CONFIG.model_copy(update={"teacher": RankerTeacherConfig(ranker=ranker)})
    assert reads_of(reading) == Reads(("tiny",), ("land",), ("unread",))
    assert run_id(reading, dataset(), SPLIT) != run_id(reading, dataset(unread=[0, 1]), SPLIT)
    assert reads_of(CONFIG) == Reads()
