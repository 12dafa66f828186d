"""The reader on made-up files of the same layout."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.medquad_data import medquad
from bundle.config import validate_config
from training.config import TrainConfig
from training.errors import BadData
from training.ragged import FloatArray, IntArray


def write(root: Path) -> Path:
    folder = root / "medquad"
    folder.mkdir()
    answers = {
        "doc_id": ["d0", "d1", "d2", "d3"],
        "focus": ["flu", None, "gout", "rash"],
        "question": ["What is flu?", "What is flu?", "What is gout?", "What is a rash?"],
        "answer": ["a fever", "a cold", "a pain", "an itch"],
        "split": ["train", "train", "dev", "test"],
    }
    pq.write_table(pa.table(answers), folder / "corpus.parquet")
    lines = [{"_id": str(i), "text": f"consumer question {i}"} for i in (4, 7, 9)]
    (folder / "liveqa-queries.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    grades = [("9", "d3", 3), ("4", "d1", 0), ("9", "d0", 1), ("9", "d2", 0), ("7", "d2", 2)]
    rows = "".join(f"{query}\t{item}\t{grade}\n" for query, item, grade in grades)
    (folder / "liveqa-qrels.tsv").write_text(f"query-id\tcorpus-id\tscore\n{rows}")
    return root


def test_judged_queries_keep_their_grades(tmp_path: Path) -> None:
    task = medquad(write(tmp_path))
    exam = task.exams["test"]
    assert task.query_texts(exam.query_rows_Q) == ["consumer question 7", "consumer question 9"]  # 4 has only a 0
    assert [exam.relevant.row(row).tolist() for row in range(2)] == [[2], [0, 3]]

    def score(rows: IntArray) -> FloatArray:  # query 7: d2 first; query 9: d3 first, then d0
        return np.array([[0, 0, 1, 0], [2, 0, 0, 3]], dtype=np.float32)[rows]

    assert exam.sit(score).marks()["graded_ndcg@10"] == pytest.approx(1)


def test_training_asks_each_question_once_and_documents_never_hold_it(tmp_path: Path) -> None:
    task = medquad(write(tmp_path))
    interactions = task.dataset.interactions
    assert interactions.query_N[task.split.train_N].tolist() == [0, 0]
    assert task.query_texts(task.exams["dev"].query_rows_Q) == ["What is gout?"]
    towers_read = task.document_texts(task.exams["test"], ["text"])
    assert towers_read == ["flu\na fever", "\na cold", "gout\na pain", "rash\nan itch"]
    assert task.document_texts(task.exams["test"])[2] == "What is gout?\na pain"
    validate_config(TrainConfig, task.base, "base")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"corpus\.parquet is not there; give the folder"):
        medquad(tmp_path)
