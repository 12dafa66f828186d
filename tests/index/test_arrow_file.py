from pathlib import Path

import pyarrow as pa
import pytest

from index.arrow_file import open_arrow, write_arrow


@pytest.mark.parametrize("mmap", [True, False])
def test_a_table_of_many_chunks_comes_back_as_one_batch(tmp_path: Path, mmap: bool) -> None:
    part = pa.table({"n": [1, 2], "text": ["a", None]})
    write_arrow(tmp_path / "t.arrow", pa.concat_tables([part, part, part]))
    batch = open_arrow(tmp_path / "t.arrow", mmap=mmap)
    assert batch.to_pydict() == {"n": [1, 2] * 3, "text": ["a", None] * 3}


def test_a_table_without_columns_or_rows_can_be_opened(tmp_path: Path) -> None:
    write_arrow(tmp_path / "t.arrow", pa.table({}))
    assert open_arrow(tmp_path / "t.arrow", mmap=True).num_columns == 0


def test_mapping_does_not_copy(tmp_path: Path) -> None:
    write_arrow(tmp_path / "t.arrow", pa.table({"n": list(range(200_000))}))
    before = pa.total_allocated_bytes()
    batch = open_arrow(tmp_path / "t.arrow", mmap=True)
    assert batch["n"][199_999].as_py() == 199_999
    assert pa.total_allocated_bytes() - before < 10_000
