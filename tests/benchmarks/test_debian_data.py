"""The readers on a made-up file of the same layout, and on the real one where it lies beside the repository."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.debian_data import FILE, debian_synopsis, debian_tags, word_overlap
from benchmarks.label_baselines import commonest, commonest_by, linear_tf_idf
from benchmarks.text_task import TEXT
from bundle.config import validate_config
from tests.training.small_data import ints
from training.config import TrainConfig
from training.errors import BadData

DATA = Path(__file__).parents[3] / "shared" / "data"
LONG = "a description of more than eighty characters that goes on and on until it is long enough: "


def write(folder: Path) -> Path:
    """Packages p0..p9 by part, then one that repeats a synopsis, one a description, and two that are too short."""
    parts = ["train"] * 6 + ["dev"] * 2 + ["test"] * 2
    rows = [(f"p{i}", f"synopsis number {i}", f"{LONG}{i}", part) for i, part in enumerate(parts)]
    rows += [
        ("again", "synopsis number 9", f"{LONG}again", "train"),
        ("same", "another synopsis", f"{LONG}1", "test"),
        ("brief", "a good synopsis", "too short", "test"),
        ("terse", "lamp", f"{LONG}terse", "train"),
    ]
    name, short, long, part = zip(*rows, strict=True)
    tags: list[list[str] | None] = [["role::program", "use::a" if i % 2 else "use::b"] for i in range(8)]
    tags[0] = ["use::b"]
    tags += [["use::a", "special::TODO"], ["role::program", "new::label"], ["special::TODO"], [], None, []]
    section = ["games", "web"] * 7
    columns = {"package": name, "short_description": short, "long_description": long, "section": section}
    pq.write_table(pa.table({**columns, "tags": tags, "split": part}), folder / FILE)
    return folder


def test_synopses_find_their_own_descriptions_over_a_corpus_without_most_training_items(tmp_path: Path) -> None:
    task = debian_synopsis(write(tmp_path))
    assert task.dataset.items.item_ids == [f"p{i}" for i in range(10)]
    assert task.split.train_N.tolist() == list(range(6))
    exam = task.exams["test"]
    assert exam.query_rows_Q.tolist() == [8, 9]
    assert task.query_texts(exam.query_rows_Q) == ["synopsis number 8", "synopsis number 9"]
    documents = task.document_texts(exam)
    assert [documents[place] for place in exam.relevant.values_V] == [f"{LONG}8", f"{LONG}9"]
    assert not set(task.exams["dev"].item_rows_C) & {8, 9}
    validate_config(TrainConfig, task.base, "base")


def test_tags_lose_their_place_holders_and_keep_labels_that_training_never_had(tmp_path: Path) -> None:
    task = debian_tags(write(tmp_path))
    labels = ["new::label", "role::program", "use::a", "use::b"]
    assert task.dataset.items.item_ids == labels
    exam, other = task.exams["test"], task.exams["other facets"]
    assert [exam.relevant.row(row).tolist() for row in range(2)] == [[2], [0, 1]]
    assert other.item_rows_C.tolist() == [0, 2, 3]
    assert [other.relevant.row(row).tolist() for row in range(2)] == [[1], [0]]
    validate_config(TrainConfig, task.base, "base")

    marks = exam.sit(commonest(task, exam)).marks()  # role::program, then use::a and use::b tied
    assert marks["precision@1"] == pytest.approx(1 / 2)
    assert marks["recall@5 under 10"] == 1
    assert commonest_by(task, exam, "section")(ints(0)).argsort()[0].tolist()[::-1][:2] == [3, 1]  # of 3 games: 3, 2


def test_a_linear_model_learns_the_word_of_a_label_and_never_gives_an_unseen_one(tmp_path: Path) -> None:
    table = pq.read_table(write(tmp_path) / FILE)
    said = ["apple" if row and "use::a" in row else "berry" for row in table["tags"].to_pylist()]
    column = table.column_names.index("short_description")
    pq.write_table(table.set_column(column, "short_description", pa.array(said)), tmp_path / FILE)
    task = debian_tags(tmp_path)
    scores = linear_tf_idf(task, task.exams["test"])(ints(0, 1))
    assert scores[0, 2] > scores[0, 3]
    assert scores[1, 3] > scores[1, 2]
    assert (scores[:, 0] == float("-inf")).all()


def test_word_overlap_counts_distinct_words_of_the_query() -> None:
    assert word_overlap("Red red lamp, GREEN", "a green Lamp") == pytest.approx(2 / 3)
    assert word_overlap("...", "a") == 0


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="debian-packages.parquet is not there; give the folder"):
        debian_tags(tmp_path)


@pytest.mark.skipif(not (DATA / FILE).exists(), reason="the Debian data do not lie beside the repository")
def test_the_real_file_gives_the_measured_protocol() -> None:
    task = debian_synopsis(DATA)
    parts = task.dataset.items, task.split.train_N, task.exams["test"].item_rows_C, task.exams["test"]
    assert [len(part) for part in parts] == [57840, 46516, 10708, 2000]
    assert len(task.exams["dev"].item_rows_C) == 10708
    assert TEXT in task.dataset.items.table.column_names
