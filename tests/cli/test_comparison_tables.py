from io import StringIO

import numpy as np
from rich.console import Console

from cli.comparison_tables import estimate_table, paired_table
from evaluation.paired import compare_paired
from evaluation.significance import Estimate


def drawn(table: object) -> list[str]:
    file = StringIO()
    Console(width=140, file=file).print(table)
    return [" ".join(line.split()) for line in file.getvalue().splitlines()]


def test_an_estimate_stands_with_its_interval_or_says_there_is_none() -> None:
    sure = Estimate(mean=0.5, low=0.25, high=0.75, n_queries=9)
    alone = Estimate(mean=0.5, n_queries=1, why_none="one query")
    lines = drawn(estimate_table("t", {"model": {"mrr": sure}, "item_knn": {"mrr": alone}}, {"a": {"queries": 1234.0}}))
    assert "│ mrr │ 0.5000 (0.2500–0.7500) │ 0.5000 (no interval) │" in lines
    assert any("1,234" in line for line in lines)
    assert any("item-knn" in line for line in lines)


def test_a_pair_stands_with_difference_p_values_and_counts() -> None:
    left, right = {"map": np.array([0.0, 0.5, 0.5])}, {"map": np.array([1.0, 0.5, 0.25])}
    lines = drawn(paired_table("a → b", compare_paired(left, right)))
    assert lines[0] == "a → b"
    assert lines[2].startswith("map 0.3333 0.5833 +0.2500 -0.1667 to +1.0000")
    assert lines[2].endswith("1.0000 1.0000 1 1 1")
