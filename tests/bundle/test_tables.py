import datetime
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from bundle.errors import InvalidTable
from bundle.tables import ColumnType, check_unique, read_table, write_table

ROWS = [
    {"item_id": "007", "price": 1.5, "timestamp": "2011-01-02T03:04:05"},
    {"item_id": "8", "price": 2.0, "timestamp": "2011-01-03T00:00:00"},
]
COLUMNS: dict[str, ColumnType] = {"item_id": "string", "price": "float", "timestamp": "timestamp"}


def _write(folder: Path, suffix: str, rows: list[dict[str, object]]) -> Path:
    path = folder / f"items{suffix}"
    if suffix == ".parquet":
        pyarrow.parquet.write_table(pa.Table.from_pylist(rows), path)
    elif suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        names = list(rows[0])
        lines = [",".join("" if row[n] is None else str(row[n]) for n in names) for row in rows]
        path.write_text("\n".join([",".join(names), *lines]) + "\n")
    return path


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".csv"])
def test_every_format_gives_the_same_table(tmp_path: Path, suffix: str) -> None:
    table = read_table(_write(tmp_path, suffix, list(ROWS)), COLUMNS)
    assert table["item_id"].to_pylist() == ["007", "8"]  # leading zeros stay, also in CSV
    assert table["price"].to_pylist() == [1.5, 2.0]
    assert table["timestamp"].to_pylist()[0] == datetime.datetime(2011, 1, 2, 3, 4, 5)


def test_unix_seconds_are_timestamps(tmp_path: Path) -> None:
    table = read_table(_write(tmp_path, ".csv", [{"timestamp": 86400}]), {"timestamp": "timestamp"})
    assert table["timestamp"].to_pylist() == [datetime.datetime(1970, 1, 2)]


@pytest.mark.parametrize(("good", "bad"), [("1000000", "soon"), ("2011-01-02", "2011-13-02")])
def test_one_bad_timestamp_among_good_ones_is_the_one_named(tmp_path: Path, good: str, bad: str) -> None:
    path = _write(tmp_path, ".csv", [{"timestamp": text} for text in (good, good, bad)])
    with pytest.raises(InvalidTable, match=f"row 3, column 'timestamp': '{bad}' is not a timestamp"):
        read_table(path, {"timestamp": "timestamp"})


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".csv"])
@pytest.mark.parametrize(
    ("second", "column", "says"),
    [
        ({"item_id": None, "price": 2.0}, "item_id", "missing"),
        ({"item_id": " ", "price": 2.0}, "item_id", "empty"),
        ({"item_id": "8", "price": None}, "price", "missing"),
    ],
)
def test_a_missing_value_is_named_by_row_and_column(
    tmp_path: Path, suffix: str, second: dict[str, object], column: str, says: str
) -> None:
    path = _write(tmp_path, suffix, [{"item_id": "007", "price": 1.5}, second])
    with pytest.raises(InvalidTable, match=rf"items\{suffix} row 2, column '{column}'.*{says}"):
        read_table(path, {"item_id": "string", "price": "float"})


def test_nan_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path, ".parquet", [{"price": 1.0}, {"price": float("nan")}])
    with pytest.raises(InvalidTable, match="row 2, column 'price'.*NaN"):
        read_table(path, {"price": "float"})


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".csv"])
def test_a_wrong_type_is_named_by_row_and_column(tmp_path: Path, suffix: str) -> None:
    path = _write(tmp_path, suffix, [{"price": "1.5"}, {"price": "cheap"}])
    with pytest.raises(InvalidTable, match="row 2, column 'price': 'cheap' is not a float"):
        read_table(path, {"price": "float"})


def test_ids_that_are_floats_are_refused(tmp_path: Path) -> None:
    path = _write(tmp_path, ".parquet", [{"item_id": 1.0}])
    with pytest.raises(InvalidTable, match="'item_id' is double, but must be text"):
        read_table(path, {"item_id": "string"})


def test_a_missing_column_lists_those_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidTable, match="no column 'item'; it has: item_id, price"):
        read_table(_write(tmp_path, ".csv", [{"item_id": "1", "price": 2}]), {"item": "string"})


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidTable, match="does not exist"):
        read_table(tmp_path / "no.csv", {})
    with pytest.raises(InvalidTable, match=r"tables end in \.parquet"):
        read_table(tmp_path / "items.xlsx", {})
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 not really")
    with pytest.raises(InvalidTable, match=r"broken\.parquet cannot be read"):
        read_table(broken, {})
    (tmp_path / "empty.jsonl").write_bytes(b"")
    with pytest.raises(InvalidTable, match=r"empty\.jsonl cannot be read"):
        read_table(tmp_path / "empty.jsonl", {})


def test_a_repeated_id_names_both_rows(tmp_path: Path) -> None:
    path = _write(tmp_path, ".csv", [{"item_id": i} for i in ("a", "b", "a")])
    with pytest.raises(InvalidTable, match="row 3, column 'item_id': 'a' stands in row 1 already"):
        check_unique(read_table(path, {"item_id": "string"}), "item_id", path)


def test_other_columns_are_kept(tmp_path: Path) -> None:
    path = _write(tmp_path, ".jsonl", [{"item_id": "1", "tags": ["x", "y"]}])
    assert read_table(path, {"item_id": "string"})["tags"].to_pylist() == [["x", "y"]]


def test_declared_texts_of_a_csv_stay_as_they_are_written(tmp_path: Path) -> None:
    path = _write(tmp_path, ".csv", [{"item_id": "1", "zip": "00123", "flag": "true", "year": "1984"}])
    table = read_table(path, {"item_id": "string"}, texts=("zip", "flag"))
    assert table.to_pylist() == [{"item_id": "1", "zip": "00123", "flag": "true", "year": 1984}]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("rows", [3, 0])
def test_what_is_written_is_read_again(tmp_path: Path, suffix: str, rows: int) -> None:
    ids, chances = ["007", 'a "b", c', "\u00e9\n2"][:rows], [0.1 + 0.2, 1.0, 1e-300][:rows]
    path = tmp_path / f"out{suffix}"
    write_table(path, pa.table({"item_id": ids, "chance": chances}))
    again = read_table(path, {"item_id": "string", "chance": "float"})
    assert (again["item_id"].to_pylist(), again["chance"].to_pylist()) == (ids, chances)


def test_another_suffix_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    for name in ("out.jsonl", "out.CSV", "out"):
        with pytest.raises(InvalidTable, match=r"written as \.parquet or \.csv"):
            write_table(tmp_path / name, pa.table({"a": [1]}))
    assert list(tmp_path.iterdir()) == []
