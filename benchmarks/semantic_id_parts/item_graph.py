"""An item tower that reads the rows of an item's neighbours, beside one that reads its own row and content alone."""

from collections.abc import Mapping
from typing import Any

from benchmarks.cold_start import CONTENT, ITEM_ID, VECTOR, cold_tasks
from benchmarks.comparison import Arena, merged, train_rows
from benchmarks.parts import Budget, Part
from benchmarks.report import Row
from bundle.config import validate_config
from training.config import TrainConfig

TASK = "item-graph-online-retail"
_PLAIN = {"features": [CONTENT], "noise_weight": 0.0, "anchor_weight": 0.0, "fusion_weight": 0.0}
METHODS: Mapping[str, Mapping[str, Any]] = {
    "no-graph": {},
    "content": {"item_graph": {**_PLAIN, "collaborative": 0.0}},
    "content+behaviour": {"item_graph": _PLAIN},
    "content+behaviour+agreement": {"item_graph": {"features": [CONTENT]}},
}


def measure(budget: Budget) -> list[Row]:
    """Rows of every method on Online Retail; the least: two of them."""
    task = cold_tasks(budget.cache)[0]
    base = merged(task.base, {"features": {"item": [ITEM_ID, VECTOR]}, "trainer": {"epochs": 2, "refit": "none"}})
    config = validate_config(TrainConfig, base, TASK)
    arena = Arena(TASK, task.dataset, base, config.split.split(task.dataset))
    methods = dict(list(METHODS.items())[: 2 if budget.quick else None])
    return train_rows(arena, methods, budget.seeds, jobs=1)


ITEM_GRAPH = Part(
    """Online Retail, split by time as in `objectives.md`, two epochs without training anew; items have their id and the
MiniLM vector of their description. `content`: ten nearest items by that vector; `behaviour`: half of the graph's weight
is on the ten items most often taken by the same customers; `agreement`: with the three contrastive terms at their
default weights. `tail_recall@10`: items not above the median training count.""",
    measure,
)
