"""Every objective and strategy on interactions: MovieLens-100K and Online Retail, equal budget.

The tables of methods are overrides of one base; a method that needs another batch or pool says so by its settings.
"""

from collections.abc import Mapping
from typing import Any

Settings = dict[str, Any]

IN_BATCH: Settings = {"kind": "in_batch"}
CATALOGUE: Settings = {"kind": "catalogue"}
LOGQ: Settings = {"kind": "softmax", "temperature": 0.1, "logq": "classic"}
DECOUPLED: Settings = {"kind": "decoupled_softmax", "temperature": 0.1}
TRIPLET: Settings = {"kind": "triplet_alignment"}
MANN_WHITNEY: Settings = {"kind": "mann_whitney", "temperature": 0.05}


def objective(settings: Mapping[str, Any], negatives: Mapping[str, Any] = IN_BATCH) -> Settings:
    """A method that is one objective with its negatives."""
    return {"objective": dict(settings), "negatives": dict(negatives)}


def term(weight: float, settings: Mapping[str, Any]) -> Settings:
    """A summand."""
    return {"weight": weight, "objective": dict(settings)}


def summed(*terms: Settings) -> Settings:
    """A weighted sum."""
    return {"kind": "weighted_sum", "terms": list(terms)}


METHODS: Mapping[str, Settings] = {
    "softmax": objective({"kind": "softmax", "temperature": 0.1}),
    "softmax-logq": objective(LOGQ),
    "softmax-corrected-logq": objective({**LOGQ, "logq": "corrected"}),
    "softmax-catalogue": objective({"kind": "softmax", "temperature": 0.1}, CATALOGUE),
    "soft-top-10-catalogue": objective({"kind": "soft_top_k", "k": 10, "temperature": 0.1}, CATALOGUE),
    "mlcd": objective({"kind": "mlcd"}),
    "positive-unlabelled": objective({"kind": "positive_unlabelled"}),
    "comic": objective({"kind": "comic"}),
    "triplet-alignment": objective(TRIPLET),
    "hardest-triplet": objective({"kind": "hardest_triplet"}),
    "mann-whitney": objective(MANN_WHITNEY),
    "softmax-logq+mann-whitney": objective(summed(term(1.0, LOGQ), term(1.0, MANN_WHITNEY))),
    "adaptive-heads": objective({"kind": "adaptive_heads"}),
    "matryoshka": objective({"kind": "matryoshka", "dims": [64, 32, 16, 8], "objective": LOGQ}),
    "softmax-logq+memory": objective(LOGQ) | {"trainer": {"memory": {"batches": 4, "start_epoch": 1}}},
    "softmax-logq+hard-negatives": objective(LOGQ)
    | {"hard_negatives": {"start_epoch": 1, "every": 1, "per_query": 10, "per_step": 2}},
    "two-heads+noise": objective({"kind": "heads", "first": LOGQ, "second": LOGQ})
    | {"heads": {"weight": 0.5}, "noise": {"kind": "confident_consensus", "start_epoch": 2, "mode": "soft"}},
}
# Ratings of 1 to 5 are grades. One example a user, some of whose films are targets at a step, drawn by rating.
_SOFTMAX: Settings = {"kind": "softmax", "temperature": 0.1}
GRADED: Mapping[str, Settings] = {
    "by-user-softmax": objective(_SOFTMAX, CATALOGUE),
    "by-user-decoupled": objective(DECOUPLED, CATALOGUE),
    "by-user-decoupled-grades": objective({**DECOUPLED, "grade_weights": True}, CATALOGUE),
    "by-user-supremix": objective({"kind": "supremix"}, CATALOGUE),
    "by-user-softmax+conr": objective(summed(term(1.0, _SOFTMAX), term(0.1, {"kind": "conr"})), CATALOGUE),
}
# What takes part on Online Retail, whose trainings are longer.
SHORT = (
    "softmax",
    "softmax-logq",
    "softmax-logq+mann-whitney",
    "softmax-logq+hard-negatives",
)
