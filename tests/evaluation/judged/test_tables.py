from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from bundle.errors import InvalidTable
from evaluation.judged.tables import pairs_of, read_gold, read_labels, read_votes

VOTES, GOLD = "query_id,item_id,judge,score", "query_id,item_id,grade,probability"


def write(folder: Path, *lines: str) -> Path:
    path = folder / "table.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_tables_are_read_by_what_they_say(tmp_path: Path) -> None:
    votes = read_votes(write(tmp_path, VOTES, "1,2,m,0.5", "1,2,n,1"))
    assert votes.to_pylist()[0] == {"query_id": "1", "item_id": "2", "judge": "m", "score": 0.5}
    gold = read_gold(write(tmp_path, GOLD, "1,2,3,0.5", "1,3,0,1"))
    assert gold["probability"].to_pylist() == [0.5, 1] and pairs_of(gold) == [("1", "2"), ("1", "3")]
    assert read_labels(write(tmp_path, "query_id,item_id,grade", "1,2,3")).num_rows == 1


@pytest.mark.parametrize(
    ("read", "lines", "message"),
    [
        (read_gold, [GOLD, "1,2,1,0.5", "1,3,1,0"], r"row 2, column 'probability'"),
        (read_gold, [GOLD, "1,2,1,0.5", "1,3,1,1.01"], r"row 2, column 'probability'"),
        (read_gold, [GOLD, "1,2,1,0.5", "1,3,nan,0.5"], r"row 2, column 'grade' is missing"),
        (read_gold, [GOLD, "1,2,1,0.5", "1,3,inf,0.5"], r"row 2, column 'grade' is infinite"),
        (read_gold, [GOLD, "1,2,1,0.5", "1,3,1,1", "1,2,0,0.5"], r"row 3: query_id, item_id are those of row 1"),
        (read_labels, [GOLD, "1,2,1,0.5", "1,2,1,0.5"], r"row 2: query_id, item_id are those of row 1"),
        (read_votes, [VOTES, "1,2,m,1", "1,2,n,1", "1,2,m,0"], r"row 3: query_id, item_id, judge are those of row 1"),
        (read_votes, [VOTES, "1,2,m,-inf"], r"row 1, column 'score' is infinite"),
        (read_gold, ["query_id,item_id,probability", "1,2,0.5"], "no column 'grade'"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(
    tmp_path: Path, read: Callable[[Path], pa.Table], lines: list[str], message: str
) -> None:
    with pytest.raises(InvalidTable, match=message):
        read(write(tmp_path, *lines))
