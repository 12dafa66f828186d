from pathlib import Path

import pytest

from bundle.errors import InvalidTable
from evaluation.errors import TooFewLabels
from evaluation.judged.answers import read_answers

HEAD = "query_id,item_id,annotator,answer\n"


def write(folder: Path, *rows: str) -> Path:
    path = folder / "answers.csv"
    path.write_text(HEAD + "\n".join(rows) + "\n")
    return path


def test_answers_are_read_and_merged_by_name(tmp_path: Path) -> None:
    rows = [
        f"q,{item},{who},{answer}" for item, answer in (("1", "good"), ("2", "bad")) for who in ("ann", "bob", "eve")
    ]
    answers = read_answers(write(tmp_path, *rows, "q,3,ann,good"))
    table = answers.table(answers.merge())
    assert table["first"].to_pylist() == ["good", "bad", "good"]
    assert table["item_id"].to_pylist() == ["1", "2", "3"]
    assert table["share"].to_pylist()[:2] == [1, 1]


def test_two_answers_of_one_annotator_and_an_empty_table_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidTable, match=r"row 2: 'ann' answered"):
        read_answers(write(tmp_path, "q,1,ann,good", "q,1,ann,bad"))
    with pytest.raises(InvalidTable, match="no rows"):
        read_answers(write(tmp_path))


def test_one_class_alone_tells_nothing(tmp_path: Path) -> None:
    with pytest.raises(TooFewLabels, match="every answer is 'good'"):
        read_answers(write(tmp_path, "q,1,ann,good", "q,1,bob,good")).merge()


def test_annotators_who_share_no_pair_cannot_be_told_apart(tmp_path: Path) -> None:
    with pytest.raises(TooFewLabels, match="no pair was answered by two"):
        read_answers(write(tmp_path, "q,1,ann,good", "q,2,bob,bad", "q,3,ann,bad")).merge()
