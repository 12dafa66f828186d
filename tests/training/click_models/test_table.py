from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from bundle.errors import InvalidTable
from training.click_models.table import read_click_log

HEAD = "session_id,query_id,item_id,position,clicked\n"


def csv(folder: Path, text: str) -> Path:
    path = folder / "clicks.csv"
    path.write_text(text)
    return path


def test_lists_stand_by_place_and_the_same_pair_has_the_same_number(tmp_path: Path) -> None:
    text = HEAD + "s1,a,x,2,0\ns1,a,y,1,1\ns2,b,x,1,0\ns3,a,y,3,1\ns3,a,x,1,0\n"
    log, pairs = read_click_log(csv(tmp_path, text))
    assert pairs.to_pylist() == [
        {"query_id": "a", "item_id": "x"},
        {"query_id": "a", "item_id": "y"},
        {"query_id": "b", "item_id": "x"},
    ]
    assert log.n_pairs == 3
    assert log.pair_QK.tolist() == [[1, 0], [2, 0], [0, 1]]
    assert log.position_QK.tolist() == [[1, 2], [1, 0], [1, 3]]
    assert log.mask_QK.tolist() == [[True, True], [True, False], [True, True]]
    assert log.click_QK.tolist() == [[True, False], [False, False], [False, True]]
    assert log.propensity_QK is None and log.grade_QK is None


def test_without_sessions_a_query_is_one_list(tmp_path: Path) -> None:
    log, pairs = read_click_log(csv(tmp_path, "query_id,item_id,position,clicked\n7,x,1,0\n7,y,2,1\n8,x,1,0\n"))
    assert len(log) == 2 and log.n_places == 2
    assert pairs["query_id"].to_pylist() == ["7", "7", "8"]


def test_booleans_propensities_and_grades_of_a_parquet_file(tmp_path: Path) -> None:
    path = tmp_path / "clicks.parquet"
    columns = {
        "query_id": ["a", "a"],
        "item_id": ["x", "y"],
        "position": [1, 2],
        "clicked": [True, False],
        "propensity": [1.0, 0.5],
        "grade": [3, 0],
    }
    pa.parquet.write_table(pa.table(columns), path)
    log = read_click_log(path, max_grade=3).log
    assert log.click_QK.tolist() == [[True, False]]
    assert log.propensity_QK is not None and log.propensity_QK.tolist() == [[1.0, 0.5]]
    assert log.grade_QK is not None and log.grade_QK.tolist() == [[3.0, 0.0]]
    with pytest.raises(InvalidTable, match="row 1, column 'grade': is outside the scale of 0 to 2"):
        read_click_log(path, max_grade=2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("query_id,item_id,clicked\na,x,1\n", "no column 'position'"),
        ("query_id,item_id,position,clicked\n", "has no rows"),
        (HEAD + "s,a,x,1,1\ns,a,y,,0\n", "row 2, column 'position' is missing"),
        (HEAD + "s,a,x,1,1\ns,a,y,0,0\n", "row 2, column 'position': is less than 1"),
        (HEAD + "s,a,x,1,1\ns,a,y,10001,0\n", "row 2, column 'position': is above 10,000"),
        (HEAD + "s,a,x,1,1\ns,a,y,first,0\n", "row 2, column 'position': 'first' is not a int"),
        (
            HEAD + "s,a,x,1,1\nt,a,x,1,0\ns,a,y,1,0\n",
            "row 3, column 'position': place 1 of this session stands in row 1",
        ),
        (HEAD + "s,a,x,1,1\ns,b,y,2,0\n", "row 2, column 'query_id': differs from the query"),
        (HEAD + "s,a,x,1,1\n,a,y,2,0\n", "row 2, column 'session_id': is missing"),
        (HEAD + "s,a,x,1,2\ns,a,y,2,0\n", "row 1, column 'clicked': is neither 0 nor 1"),
        (HEAD + "s,a,x,1,0\ns,a,y,2,0\n", "column 'clicked': nothing was clicked in 2 rows"),
        (HEAD + "s,a,x,1,1\ns,a,y,2,1\n", "column 'clicked': everything was clicked in 2 rows"),
        ("query_id,item_id,position,clicked\na,x,1,1\na,y,1,0\n", "place 1 of this query stands in row 1"),
        ("query_id,item_id,position,clicked,propensity\na,x,1,1,1\na,y,2,0,0\n", "row 2, column 'propensity': is not"),
        (
            "query_id,item_id,position,clicked,propensity\na,x,1,1,1.5\na,y,2,0,1\n",
            "row 1, column 'propensity': is not",
        ),
        (
            "query_id,item_id,position,clicked,propensity\na,x,1,1,1\na,y,2,0,\n",
            "row 2, column 'propensity': is missing",
        ),
        ("query_id,item_id,position,clicked,grade\na,x,1,1,-1\na,y,2,0,1\n", "row 1, column 'grade': is outside"),
        ("query_id,item_id,position,clicked,grade\na,x,1,1,4\na,y,2,0,nan\n", "row 2, column 'grade': is missing"),
    ],
)
def test_bad_logs_are_named_by_file_row_and_column(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidTable, match="clicks.csv") as caught:
        read_click_log(csv(tmp_path, text))
    assert message in caught.value.message


def test_pair_numbers_point_at_the_rows_that_they_stand_for(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    lines = []
    for session in range(40):
        items = rng.permutation(9)[: rng.integers(2, 6)]
        lines += [f"{session},q{session % 4},i{item},{place},{place % 2}" for place, item in enumerate(items, 1)]
    log, pairs = read_click_log(csv(tmp_path, HEAD + "\n".join(rng.permutation(lines)) + "\n"))
    read = {tuple(row.values()) for row in pairs.take(log.pair_QK[log.mask_QK]).to_pylist()}
    assert read == {(line.split(",")[1], line.split(",")[2]) for line in lines}
    assert len(read) == log.n_pairs
    clicked = sorted(pairs["item_id"].take(log.pair_QK[log.click_QK]).to_pylist())
    assert clicked == sorted(line.split(",")[2] for line in lines if line.endswith(",1"))
