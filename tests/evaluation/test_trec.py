import struct
from pathlib import Path

import ir_measures
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ir_measures import nDCG

from evaluation.errors import InvalidTrecFile
from evaluation.rankings import Run
from evaluation.trec import read_qrels, read_run, write_qrels, write_run

WORD = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=6)
SCORE = st.floats(width=32, allow_nan=False, allow_infinity=False)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(WORD, st.dictionaries(WORD, SCORE, min_size=1, max_size=5), min_size=1, max_size=4))
def test_a_run_comes_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, scores: dict[str, dict[str, float]]
) -> None:
    path = tmp_path_factory.mktemp("trec") / "a.run"
    write_run(path, Run("mine", scores))
    back = read_run(path)
    assert back.name == "mine"
    assert back.scores.keys() == scores.keys()
    for query_id, known in scores.items():
        assert {one: struct.pack("f", score) for one, score in back.scores[query_id].items()} == {
            one: struct.pack("f", score) for one, score in known.items()
        }


def test_files_are_read_by_ir_measures_too(tmp_path: Path) -> None:
    write_run(tmp_path / "a.run", Run("mine", {"q": {"a": 0.25, "b": 0.5, "c": 0.5}}))
    assert (tmp_path / "a.run").read_text() == "q Q0 c 1 0.5 mine\nq Q0 b 2 0.5 mine\nq Q0 a 3 0.25 mine\n"
    grades = {"q": {"a": 2.0, "z": 0.0}, "r": {"a": 1.0}}
    write_qrels(tmp_path / "q.txt", grades)
    assert read_qrels(tmp_path / "q.txt") == grades
    run = list(ir_measures.read_trec_run(str(tmp_path / "a.run")))  # type: ignore[no-untyped-call]
    qrels = list(ir_measures.read_trec_qrels(str(tmp_path / "q.txt")))  # type: ignore[no-untyped-call]
    assert ir_measures.calc_aggregate([nDCG @ 3], qrels, run)[nDCG @ 3] == pytest.approx(0.5 / 2)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "has no line; a line reads: query Q0 item rank score tag"),
        (b"\n\n", "has no line"),
        (b"q Q0 a 1 0.5\n", "line 1: 5 columns instead of 6"),
        (b"q Q0 a 1 0.5 t\nq Q0 b 2 high t\n", "line 2: the score 'high' is not a finite number"),
        (b"q Q0 a 1 nan t\n", "line 1: the score 'nan' is not a finite number"),
        (b"q Q0 a first 1 t\n", "line 1: the rank 'first'"),
        (b"q Q0 a 1 2 t\n\nq Q0 a 2 1 t\n", "line 3: item 'a' of query 'q' stands in line 1 already"),
        (b"q Q0 a 1 2 t\nq Q0 \xff 2 1 t\n", "line 2: not UTF-8"),
    ],
)
def test_every_fault_of_a_run_is_told_by_line(tmp_path: Path, text: bytes, says: str) -> None:
    path = tmp_path / "a.run"
    path.write_bytes(text)
    with pytest.raises(InvalidTrecFile) as told:
        read_run(path)
    assert str(path) in told.value.message
    assert says in told.value.message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("query-id corpus-id score\n", "line 1: 3 columns instead of 4; a line reads: query 0 item grade"),
        ("q 0 a 1\nq 0 b 0.5\n", "line 2: the grade 0.5 is not a whole number"),
        ("q 0 a 1\nq 0 b 4\n", "line 2: the grade 4 is outside the scale, which ends at 3"),
        ("q 0 a 1\nq 0 a 1\n", "line 2: item 'a' of query 'q' stands in line 1 already"),
    ],
)
def test_every_fault_of_qrels_is_told_by_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "qrels.txt"
    path.write_text(text)
    with pytest.raises(InvalidTrecFile, match=says):
        read_qrels(path, most_grade=3)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidTrecFile, match=r"no\.run cannot be read: No such file"):
        read_run(tmp_path / "no.run")


def test_ids_that_would_break_the_columns_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(InvalidTrecFile, match="'red mug' is empty or has white space"):
        write_run(tmp_path / "a.run", Run("mine", {"q": {"red mug": 1.0}}))
    with pytest.raises(InvalidTrecFile, match="grade 0.5 is not a whole number"):
        write_qrels(tmp_path / "q", {"q": {"a": 0.5}})
    assert list(tmp_path.iterdir()) == []
