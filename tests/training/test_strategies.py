"""Combinations that make no sense are refused, with the reason."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bundle.errors import ConfigError
from tests.training.hook_world import point_settings
from tests.training.small_data import small_dataset
from training.errors import BadData
from training.strategies import check_grades

SOFTMAX, TAUGHT = {"kind": "softmax"}, {"kind": "distill_kl"}
HEADS = {"kind": "heads", "first": SOFTMAX, "second": SOFTMAX}
BOTH = {"kind": "weighted_sum", "terms": [{"objective": SOFTMAX}, {"objective": TAUGHT}]}
MINED: dict[str, Any] = {}
RANKER, TABLE = {"kind": "ranker"}, {"kind": "judgements"}
NESTED = {"kind": "matryoshka", "objective": SOFTMAX, "dims": [8, 4]}
CONR, FEW, ALL = {"kind": "conr"}, {"kind": "query", "positives": 9}, {"kind": "catalogue"}
REGULARISED = {"kind": "weighted_sum", "terms": [{"objective": SOFTMAX}, {"objective": CONR}]}
PAIRED = {"items": "i.csv", "interactions": "b.csv", "pairs": {"source": "baskets"}}
PAST = {"query": [{"kind": "sequence", "name": "past"}], "item": [{"kind": "vector", "name": "place", "dimension": 8}]}


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
        ({"metric": "dot", "objective": HEADS, "heads": {}}, r"each of the \[heads\] is trained by its cosines"),
        ({"metric": "dot", "heads": {}}, r"each of the \[heads\] is trained by its cosines"),
        ({"metric": "dot", "objective": NESTED}, r"objective\.normalize = true trains cosines"),
        ({"objective": {**NESTED, "dims": [16, 4]}}, "dims has 16, but dimension = 8"),
        ({"objective": CONR, "examples": FEW}, "never pulls at the query"),
        ({"objective": {**NESTED, "objective": CONR}, "examples": FEW}, "never pulls at the query"),
        ({"objective": {**HEADS, "second": CONR}, "heads": {}, "examples": FEW}, "never pulls at the query"),
        ({"objective": {"kind": "weighted_sum", "terms": [{"objective": CONR}] * 2}, "examples": FEW}, "never pulls"),
        ({"objective": REGULARISED}, "one target each"),
        ({"objective": REGULARISED, "examples": {"kind": "query"}}, r"'conr' compares .* set examples\.positives"),
        ({"objective": {"kind": "supremix"}, "examples": {"kind": "query"}}, r"'supremix' .* set examples\.positives"),
        ({"negatives": ALL, "hard_negatives": MINED}, r"\[hard_negatives\] would add none"),
        (
            {"negatives": ALL, "hard_negatives": MINED, "teacher": {**TABLE, "judge_margin": 0.1}},
            r"\[hard_negatives\] would add none",
        ),
        ({"negatives": ALL, "trainer": {"memory": {}}}, r"trainer\.memory would count each several times"),
        (
            {
                "objective": BOTH,
                "teacher": RANKER,
                "hard_negatives": MINED,
                "features": PAST,
                "examples": {"history_feature": "past"},
            },
            "leave history_feature out",
        ),
        (
            {"data": PAIRED, "features": {**PAST, "query": [{"kind": "category", "name": "query_id"}]}},
            "no field 'query_id'; name the query feature 'item_id'",
        ),
        ({"data": PAIRED, "features": PAST, "examples": {"history_feature": "past"}}, "which have no history"),
        (
            {
                "data": PAIRED,
                "features": {**PAST, "query": [{"kind": "text", "name": "title"}]},
                "synthetic_queries": {"path": "made.parquet"},
            },
            r"use data\.pairs\.synthetic",
        ),
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
        {"metric": "dot", "objective": {**NESTED, "normalize": False}},
        {"objective": REGULARISED, "examples": FEW},
        {"objective": {"kind": "supremix"}},
        {"objective": TAUGHT, "teacher": TABLE, "negatives": ALL, "hard_negatives": {"start_epoch": 0}},
        {
            "objective": BOTH,
            "teacher": {**RANKER, "ranker": {"kind": "cross_encoder", "query_columns": ["a"], "item_columns": ["b"]}},
            "hard_negatives": MINED,
            "features": PAST,
            "examples": {"history_feature": "past"},
        },
    ],
)
def test_what_makes_sense_is_taken(settings: dict[str, Any]) -> None:
    config = point_settings(8, **settings)
    assert type(config).model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    ("objective", "named"),
    [
        ({"kind": "supremix"}, "'supremix'"),
        ({"kind": "decoupled_softmax", "grade_weights": True}, "'decoupled_softmax'"),
        ({"kind": "matryoshka", "dims": [4], "objective": {"kind": "supremix"}}, "'supremix'"),
    ],
)
def test_an_objective_that_needs_grades_is_refused_for_interactions_without_any(
    objective: dict[str, Any], named: str
) -> None:
    interactions = small_dataset([(0, 0), (1, 1)]).interactions
    config = point_settings(4, objective=objective)
    with pytest.raises(BadData, match=f"{named} learns from grades"):
        check_grades(config.objective, interactions)
    check_grades(config.objective, replace(interactions, grade_N=np.ones(2, dtype=np.float32)))
    check_grades(point_settings(4, objective={"kind": "decoupled_softmax"}).objective, interactions)
