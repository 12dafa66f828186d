from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bundle.errors import InvalidTable
from evaluation.errors import UnusableLog
from evaluation.off_policy.estimators import ips
from evaluation.off_policy.policy import ranking_policy, read_policy
from tests.evaluation.off_policy.logs import HAND

LOG = replace(HAND, query_ids=("q", "q", "r", "r"))


def test_a_table_of_probabilities_speaks_for_every_impression(tmp_path: Path) -> None:
    path = tmp_path / "policy.csv"
    path.write_text("item_id,position,probability\na,1,0.3\nb,1,0.7\n")
    np.testing.assert_allclose(read_policy(path, HAND), np.tile([0.3, 0.7], (4, 1)))


@pytest.mark.parametrize("row", ["c,1,1.0", "a,2,1.0", "a,0,1.0"])
def test_what_the_log_never_showed_is_refused_by_row(tmp_path: Path, row: str) -> None:
    path = tmp_path / "policy.csv"
    path.write_text(f"item_id,position,probability\n{row}\n")
    with pytest.raises(UnusableLog, match=r"policy\.csv row 1"):
        read_policy(path, HAND)


def test_two_rows_of_an_item_at_a_position_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "policy.csv"
    path.write_text("item_id,position,probability\na,1,0.5\na,1,0.5\n")
    with pytest.raises(InvalidTable, match="row 2: item 'a' at position 1"):
        read_policy(path, HAND)


def test_a_ranking_shows_its_item_for_certain() -> None:
    policy_NA = ranking_policy(LOG, {"q": ["a", "b"], "r": ["b"]})
    np.testing.assert_array_equal(policy_NA, [[1, 0], [1, 0], [0, 1], [0, 1]])
    assert ips(LOG, policy_NA).estimate.value == pytest.approx((1 / 0.8 + 1 / 0.2) / 4)


def test_a_ranking_that_is_too_short_or_a_log_without_queries_is_refused() -> None:
    with pytest.raises(UnusableLog, match=r"impression 3: .* query 'r'"):
        ranking_policy(LOG, {"q": ["a"]})
    with pytest.raises(UnusableLog, match="query_id"):
        ranking_policy(HAND, {"q": ["a"]})
