"""Combinations that make no sense are refused, with the reason."""

from typing import Any

import pytest

from bundle.errors import ConfigError
from tests.training.hook_world import point_settings

SOFTMAX, TAUGHT = {"kind": "softmax"}, {"kind": "distill_kl"}
HEADS = {"kind": "heads", "first": SOFTMAX, "second": SOFTMAX}
BOTH = {"kind": "weighted_sum", "terms": [{"objective": SOFTMAX}, {"objective": TAUGHT}]}
MINED: dict[str, Any] = {}
RANKER, TABLE = {"kind": "ranker"}, {"kind": "judgements"}


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"objective": HEADS}, r"add a section \[heads\]"),
        ({"objective": HEADS, "heads": {}, "dimension": 7}, "dimension = 7 is odd"),
        ({"noise": {}}, "losses of two heads"),
        ({"objective": {"kind": "matryoshka", "objective": SOFTMAX, "dims": [4]}, "heads": {}}, "cuts the embedding"),
        ({"objective": TAUGHT}, "'distill_kl' learns from a teacher's scores, but nobody"),
        ({"objective": BOTH}, "'distill_kl' learns from a teacher's scores, but nobody"),
        ({"objective": {**HEADS, "second": TAUGHT}, "heads": {}}, "but nobody"),
        ({"teacher": TABLE}, "no objective reads"),
        ({"teacher": RANKER, "hard_negatives": MINED}, "no objective reads"),
        ({"objective": BOTH, "teacher": RANKER}, r"add a section \[hard_negatives\]"),
        ({"objective": BOTH, "teacher": {**TABLE, "budget": 5}}, r"teacher\.budget"),
        ({"objective": BOTH, "teacher": {**TABLE, "per_step": 5}, "hard_negatives": MINED}, "hard_negatives.per_step"),
        ({"objective": TAUGHT, "teacher": RANKER, "hard_negatives": MINED}, "none in the first 1 epochs"),
    ],
)
def test_it_is_refused_with_the_reason(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        point_settings(8, **settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"objective": HEADS, "heads": {}},
        {"objective": HEADS, "heads": {}, "noise": {}},
        {"heads": {"weight": 0.7}},
        {"objective": TAUGHT, "teacher": TABLE},
        {"objective": BOTH, "teacher": RANKER, "hard_negatives": MINED},
        {"objective": TAUGHT, "teacher": RANKER, "hard_negatives": {"start_epoch": 0}},
        {
            "objective": {**HEADS, "second": TAUGHT},
            "heads": {},
            "teacher": {**RANKER, "budget": 9},
            "hard_negatives": MINED,
        },
        {"teacher": {**TABLE, "judge_margin": 0.01}, "hard_negatives": MINED},
    ],
)
def test_what_makes_sense_is_taken(settings: dict[str, Any]) -> None:
    config = point_settings(8, **settings)
    assert type(config).model_validate_json(config.model_dump_json()) == config
