import numpy as np
import pytest

from benchmarks.report import Row
from benchmarks.semantic_id_parts.served import CONNECTIONS, _Load, _mean, share_equal


def test_a_row_is_equal_only_when_all_its_codes_are() -> None:
    code_NL = np.array([[1, 2], [3, 4], [5, 6], [7, 8]])
    assert share_equal(code_NL, code_NL) == 1
    assert share_equal(np.array([[1, 2], [3, 0], [0, 6], [7, 8]]), code_NL) == 0.5


@pytest.mark.parametrize("batch", [1, 8, 128])
def test_requests_are_whole_batches_and_every_connection_sends_as_many(batch: int) -> None:
    rows = np.arange(1_000)
    load = _Load(rows[:, None].astype(np.float32), rows[:, None], batch, 4_000)
    parts = load.parts(rows)
    assert {len(part) for part in parts} == {batch}
    assert load.n_requests % CONNECTIONS == 0
    assert load.n_requests * batch <= 4_000
    flat = np.concatenate(parts)
    assert len(np.unique(flat)) == len(flat)


def test_rows_of_several_seeds_are_a_mean_with_a_spread() -> None:
    row = _mean([Row("cost", "numbers-1", "cpu_ratio_to_raw", value) for value in (2.0, 4.0)])
    assert (row.task, row.value, row.spread, row.seeds) == ("served-cost", 3.0, 1.0, 2)
    assert _mean([Row("cost", "numbers-1", "cpu_ratio_to_raw", 2.0)]).spread is None
