"""The preferences table: joined by id, its faults named, its contradictions counted."""

from pathlib import Path

import pytest

from bundle.errors import InvalidTable
from training.preferences import Preferences, load_preferences
from training.rows import IdRows

QUERIES, ITEMS = IdRows.of(["u", "v"], "queries.csv"), IdRows.of(["a", "b", "c"], "items.csv")


def loaded(folder: Path, text: str, *, drop_unknown: bool = False) -> tuple[Preferences, int]:
    path = folder / "preferences.csv"
    path.write_text(text)
    return load_preferences(path, QUERIES, ITEMS, drop_unknown=drop_unknown)


def test_it_is_joined_by_id_with_weight_one_unless_given(tmp_path: Path) -> None:
    given, dropped = loaded(tmp_path, "query_id,better_id,worse_id\nv,a,c\nu,b,a\n")
    assert (given.query_N.tolist(), given.better_N.tolist(), given.worse_N.tolist()) == ([1, 0], [0, 1], [2, 0])
    assert (given.weight_N.tolist(), dropped, given.contradictions) == ([1, 1], 0, 0)
    weighted, _ = loaded(tmp_path, "query_id,better_id,worse_id,weight\nv,a,c,0.25\nu,b,a,2\n")
    assert weighted.weight_N.tolist() == [0.25, 2]


def test_contradictions_are_counted_once_a_pair_and_within_a_query_only(tmp_path: Path) -> None:
    rows = "u,a,b\nu,a,b\nu,b,a\nv,b,a\nu,a,c\nu,c,b\nu,b,c\n"
    assert loaded(tmp_path, f"query_id,better_id,worse_id\n{rows}")[0].contradictions == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "query_id,better_id,worse_id\nu,a,b\nnobody,a,b\n",
            "row 2, column 'query_id': 'nobody' is not in queries.csv",
        ),
        ("query_id,better_id,worse_id\nu,zzz,b\n", "row 1, column 'better_id': 'zzz' is not in items.csv"),
        ("query_id,better_id,worse_id\nu,a,zzz\n", "row 1, column 'worse_id': 'zzz' is not in items.csv"),
        (
            "query_id,better_id,worse_id\nu,a,b\nu,c,c\n",
            "row 2, column 'worse_id' is the item that better_id names too",
        ),
        ("query_id,better_id,worse_id,weight\nu,a,b,-1\n", "row 1, column 'weight' is negative"),
        ("query_id,better_id,worse_id,weight\nu,a,b,\n", "row 1, column 'weight' is missing"),
        ("query_id,better_id\nu,a\n", "has no column 'worse_id'"),
    ],
)
def test_a_fault_is_named_by_row_and_column(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidTable) as caught:
        loaded(tmp_path, text)
    assert message in caught.value.message


def test_unknown_ids_may_be_dropped_and_are_counted(tmp_path: Path) -> None:
    rows = "u,a,b\nnobody,a,b\nv,zzz,b\nv,c,zzz\nv,c,b\n"
    given, dropped = loaded(tmp_path, f"query_id,better_id,worse_id\n{rows}", drop_unknown=True)
    assert (given.query_N.tolist(), given.better_N.tolist(), dropped) == ([0, 1], [0, 2], 3)
