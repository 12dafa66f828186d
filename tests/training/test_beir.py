import json
from pathlib import Path

import pytest

from bundle.errors import InvalidTable
from training.dataset import DataConfig, load_dataset


def beir(folder: Path, qrels: str = "query-id\tcorpus-id\tscore\n1\td2\t1\n2\td1\t0\n") -> Path:
    (folder / "qrels").mkdir()
    corpus = [
        {"_id": "d1", "title": "", "text": "grey cat", "metadata": {}},
        {"_id": "d2", "title": 'A "quoted" dog', "text": "brown dog"},
    ]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in corpus))
    queries = [{"_id": "1", "text": "what dog"}, {"_id": "2", "text": "what cat"}]
    (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in queries))
    (folder / "qrels" / "test.tsv").write_text(qrels)
    (folder / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\n2\td1\t2\n")
    return folder


def test_the_folder_is_read_as_it_is(tmp_path: Path) -> None:
    dataset = load_dataset(DataConfig(beir=beir(tmp_path)), tmp_path)
    assert dataset.items.item_ids == ["d1", "d2"]
    assert dataset.items.records(["title", "text"])[1] == {"title": 'A "quoted" dog', "text": "brown dog"}
    assert dataset.query_ids == ["1", "2"]
    interactions = dataset.interactions
    assert list(zip(interactions.query_N.tolist(), interactions.item_N.tolist(), strict=True)) == [(0, 1), (1, 0)]
    assert interactions.split_N is not None
    assert interactions.split_N.tolist() == ["test", "train"]
    assert dataset.report.dropped_not_positive == 1  # grade 0 is a judgement against


@pytest.mark.parametrize(
    ("qrels", "message"),
    [
        ("query-id\tscore\n1\t1\n", "no column 'corpus-id'"),
        ("query-id\tcorpus-id\tscore\n1\td9\t1\n", "row 1, column 'item_id': 'd9' is not in"),
        ("query-id\tcorpus-id\tscore\n1\td1\thigh\n", "cannot be read"),
        ("query-id\tcorpus-id\tscore\n1\td1\t\n", "row 1, column 'grade' is missing"),
    ],
)
def test_bad_qrels_are_named(tmp_path: Path, qrels: str, message: str) -> None:
    with pytest.raises(InvalidTable, match="test.tsv") as caught:
        load_dataset(DataConfig(beir=beir(tmp_path, qrels)), tmp_path)
    assert message in caught.value.message


def test_a_folder_without_qrels_or_corpus_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidTable, match=r"queries.jsonl does not exist"):
        load_dataset(DataConfig(beir=tmp_path), tmp_path)
    folder = beir(tmp_path)
    for path in (folder / "qrels").iterdir():
        path.unlink()
    with pytest.raises(InvalidTable, match=r"no qrels/\*.tsv"):
        load_dataset(DataConfig(beir=folder), tmp_path)
