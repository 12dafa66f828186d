"""Each warning on codes that earn it, and none on codes that are used alike."""

from dataclasses import replace

import numpy as np

from tests.training.report.planted_codes import even, planted
from training.report.code_findings import code_findings
from training.semantic_ids import SemanticIds
from training.stability.churn import Churn


def details(found: SemanticIds) -> dict[str, str]:
    return {finding.title: finding.detail for finding in code_findings(found)}


def test_codes_that_are_used_alike_worry_nobody() -> None:
    assert details(planted(even(16), 16, Churn("b1", (0.0, 0.2), 0.5))) == {}


def test_a_level_of_few_codes_is_named_with_what_they_are_worth_and_not_as_uneven_too() -> None:
    code_NL = even(16)
    code_NL[:, 0] %= 2
    found = details(planted(code_NL, 16))
    assert "2 of 16 at level 1." in found["Semantic IDs use few of their codes"]
    assert "A few codes have most of the items" not in found


def test_items_that_share_an_id_are_counted() -> None:
    code_NL = even(16)
    code_NL[:60] = code_NL[60:120]  # 120 of 256 items in pairs
    assert "46.9% of the items" in details(planted(code_NL, 16))["Many items share a whole semantic ID"]
    code_NL = even(16)
    code_NL[:20] = code_NL[20:40]  # 40 of 256 are too few, and no group is large
    assert details(planted(code_NL, 16)) == {}


def test_one_large_group_is_enough() -> None:
    code_NL = even(16)
    code_NL[:11] = code_NL[0]
    assert "largest group is 11 items" in details(planted(code_NL, 16))["Many items share a whole semantic ID"]
    code_NL = even(16)
    code_NL[:10] = code_NL[0]
    assert details(planted(code_NL, 16)) == {}


def test_an_uneven_level_is_named() -> None:
    count_K = (400 * np.exp(-np.arange(64) / 7)).astype(int)
    first_N = np.arange(64).repeat(count_K)
    code_NL = np.stack([first_N, np.arange(len(first_N)) % 64, np.arange(len(first_N)) // 64], axis=1)
    found = details(planted(code_NL, 64))
    assert list(found) == ["A few codes have most of the items"]
    assert "at level 1." in found["A few codes have most of the items"]


def test_changed_codes_and_a_changed_space_are_named_with_the_bundle() -> None:
    found = details(planted(even(16), 16, Churn("b1", (0.1, 0.3), 0.6)))
    assert "30.0% of the items have another one than in bundle b1, 10.0%" in found["Many semantic IDs changed"]
    assert "60% of the spread" in found["The items moved in ways that no rotation undoes"]
    other_width = replace(planted(even(16), 16), churn=Churn("b1", (0.0, 0.1), None))
    assert details(other_width) == {}
