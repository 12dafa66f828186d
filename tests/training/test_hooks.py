"""Which hooks a configuration gives."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.training.hook_world import context_of, point_dataset, point_settings, points
from tests.training.small_data import ints
from training.dataset import Judgements
from training.hooks import build_hooks

TAUGHT = {"kind": "distill_kl"}
HEADS = {"kind": "heads", "first": {"kind": "softmax"}, "second": {"kind": "softmax"}}
BOTH = {"kind": "heads", "first": {"kind": "softmax"}, "second": TAUGHT}


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, []),
        ({"hard_negatives": {}}, ["HardNegatives"]),
        ({"objective": HEADS, "heads": {}, "noise": {}, "hard_negatives": {}}, ["HardNegatives", "ConfidentConsensus"]),
        ({"objective": TAUGHT, "teacher": {"kind": "judgements"}}, ["JudgedCandidates"]),
        (
            {"objective": TAUGHT, "teacher": {"kind": "judgements"}, "hard_negatives": {"start_epoch": 0}},
            ["TaughtNegatives"],
        ),
        (
            {"objective": BOTH, "heads": {}, "noise": {}, "teacher": {"kind": "ranker"}, "hard_negatives": {}},
            ["TaughtNegatives", "ConfidentConsensus"],
        ),
    ],
)
def test_the_configuration_decides_which_hooks_there_are(settings: dict[str, Any], names: list[str]) -> None:
    plain = point_dataset(points(3, 4, 0), points(6, 4, 1), [(0, 0), (1, 1), (2, 2)])
    score_N = np.array([0.5], dtype=np.float32)
    dataset = replace(plain, judgements=Judgements(ints(0), ints(3), score_N, pa.table({"score": score_N})))
    config = point_settings(4, **settings)
    assert [type(hook).__name__ for hook in build_hooks(config, context_of(dataset, config))] == names
