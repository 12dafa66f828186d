import pyarrow as pa
import pytest

from benchmarks.evaluation_parts.off_policy import campaign_log


def test_the_sampler_s_table_is_how_often_it_showed_each_item_at_each_place() -> None:
    rows = [
        ("random", "men", 0, 1, 1, 0.5),
        ("random", "men", 1, 2, 0, 0.5),
        ("random", "all", 1, 1, 1, 0.5),
        ("bts", "men", 0, 1, 0, 0.9),
        ("bts", "men", 1, 1, 1, 0.1),
        ("bts", "men", 1, 1, 0, 0.1),
        ("bts", "men", 1, 2, 0, 0.6),
    ]
    names = ["policy", "campaign", "item_id", "position", "click", "propensity_score"]
    table = pa.table({name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)})
    log, policy_NA, earned_N = campaign_log(table, "men")
    assert len(log) == 2 and log.place_N.tolist() == [0, 1]
    assert policy_NA.ravel().tolist() == pytest.approx([1 / 3, 2 / 3, 0, 1])
    assert earned_N.tolist() == [0, 1, 0, 0]
