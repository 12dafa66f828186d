import re

import numpy as np

from evaluation.comparison_pictures import differences, interval_bar, overlaps, shares_bar
from evaluation.paired import compare_paired
from evaluation.significance import Estimate


def test_an_interval_lies_where_its_numbers_are() -> None:
    up = interval_bar(Estimate(mean=0.5, low=0.25, high=0.75, n_queries=9), 1.0)
    assert 'class="up" d="M92.2 9H126.8"' in up
    assert 'cx="109.5"' in up
    assert 'aria-label="difference +0.5000, 0.2500 to 0.7500"' in up
    assert 'class="down"' in interval_bar(Estimate(mean=-0.5, low=-0.6, high=-0.4, n_queries=9), 1.0)
    assert 'class="flat"' in interval_bar(Estimate(mean=0.1, low=-0.6, high=0.4, n_queries=9), 1.0)
    alone = interval_bar(Estimate(mean=0.0, n_queries=1, why_none="one query"), 0.0)
    assert "no interval: one query" in alone
    assert "H" not in re.sub(r'aria-label="[^"]*"', "", alone)


def test_a_bar_has_the_shares_of_queries() -> None:
    result = compare_paired({"m": np.array([0.0, 0, 0, 1])}, {"m": np.array([1.0, 0, 0, 0])})[0]
    assert re.findall(r'class="(\w+)" style="width:([\d.]+)%"', shares_bar(result)) == [
        ("down", "25.00"),
        ("flat", "50.00"),
        ("up", "25.00"),
    ]


def test_differences_show_what_was_lost_and_won_only_where_something_was() -> None:
    both = differences([0.5, -0.25, 0, 0], "nDCG@10")
    assert ('class="area up"' in both, 'class="area down"' in both) == (True, True)
    assert ">+0.5</text>" in both
    none = differences([0, 0], "nDCG@10")
    assert "area" not in none
    assert len(differences(np.linspace(-1, 1, 100_000).tolist(), "m")) < 20_000


def test_overlaps_count_queries_by_tenths() -> None:
    drawn = overlaps([0, 0.3, 0.3, 1], 10)
    counts = [int(count) for count in re.findall(r"<title>(\d+) queries", drawn)]
    assert counts == [1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1]
