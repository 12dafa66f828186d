from pathlib import Path

import pytest

from bundle.errors import InvalidTable
from training.tables import read_interactions, read_judgements, read_queries, read_relations


def csv(folder: Path, text: str) -> Path:
    path = folder / "table.csv"
    path.write_text(text)
    return path


def test_interactions_keep_rows_types_and_extra_columns(tmp_path: Path) -> None:
    path = csv(tmp_path, "query_id,item_id,timestamp,grade,basket\n007,1,60,2,x\n8,2,61,3,y\n")
    table = read_interactions(path)
    assert table["query_id"].to_pylist() == ["007", "8"]  # ids are texts: the zeros stay
    assert table["timestamp"].cast("int64").to_pylist() == [60_000_000, 61_000_000]
    assert table["grade"].to_pylist() == [2.0, 3.0]
    assert table["basket"].to_pylist() == ["x", "y"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("query_id,timestamp\na,1\n", "no column 'item_id'"),
        ("query_id,item_id\n", "has no rows"),
        ("query_id,item_id\na,x\n,y\n", "row 2, column 'query_id'"),
        ("query_id,item_id\na,x\nb,  \n", "row 2, column 'item_id'"),
        ("query_id,item_id,timestamp\na,x,1\nb,y,\n", "row 2, column 'timestamp' is missing"),
        ("query_id,item_id,timestamp\na,x,soon\n", "row 1, column 'timestamp': 'soon' is not a timestamp"),
        ("query_id,item_id,grade\na,x,nan\n", "row 1, column 'grade' is missing or NaN"),
        ("query_id,item_id,grade\na,x,1\nb,y,good\n", "row 2, column 'grade': 'good'"),
        ("query_id,item_id,weight\na,x,1\nb,y,-0.5\n", "row 2, column 'weight' is negative"),
    ],
)
def test_bad_interactions_are_named_by_row_and_column(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidTable, match="table.csv") as caught:
        read_interactions(csv(tmp_path, text))
    assert message in caught.value.message


def test_a_query_id_stands_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidTable, match="row 3, column 'query_id': 'a'"):
        read_queries(csv(tmp_path, "query_id,country\na,UK\nb,UK\na,FR\n"))


def test_relations_and_judgements_need_their_columns(tmp_path: Path) -> None:
    with pytest.raises(InvalidTable, match="no column 'relation'"):
        read_relations(csv(tmp_path, "item_id,related_id\na,b\n"))
    with pytest.raises(InvalidTable, match="row 2, column 'score'"):
        read_judgements(csv(tmp_path, "query_id,item_id,score\na,x,1\nb,x,\n"))
