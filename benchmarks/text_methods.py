"""Every objective and strategy on texts: overrides of a task's base configuration, by method."""

from collections.abc import Mapping
from typing import Any

from benchmarks.interaction_tasks import CATALOGUE, Settings, objective, summed, term

SOFTMAX: Settings = {"kind": "softmax", "temperature": 0.05}
DECOUPLED: Settings = {"kind": "decoupled_softmax", "temperature": 0.1}
TRIPLET: Settings = {"kind": "triplet_alignment"}
MANN_WHITNEY: Settings = {"kind": "mann_whitney", "temperature": 0.05}
HARD: Settings = {"start_epoch": 1, "every": 1, "per_query": 10, "per_step": 1}

SYNOPSIS: Mapping[str, Settings] = {
    "bag-softmax": {},
    "bag-triplet-alignment": objective(TRIPLET),
    "bag-softmax+mann-whitney": objective(summed(term(1.0, SOFTMAX), term(1.0, MANN_WHITNEY))),
    "bag-matryoshka": objective({"kind": "matryoshka", "dims": [128, 64, 32, 16], "objective": SOFTMAX}),
    # One search over 46,516 queries and 57,000 documents costs as much as an epoch.
    "bag-softmax+hard-negatives": {"hard_negatives": {**HARD, "start_epoch": 2, "search": "faiss"}},
}
TAGS: Mapping[str, Settings] = {
    "softmax": objective({"kind": "softmax", "temperature": 0.1}, CATALOGUE),
    "decoupled-softmax": {},
    "soft-top-5": objective({"kind": "soft_top_k", "k": 5, "temperature": 0.1}, CATALOGUE)
    | {"examples": {"kind": "query", "positives": 5}},
    "soft-top-100": objective({"kind": "soft_top_k", "k": 100, "temperature": 0.1}, CATALOGUE),
    "mlcd": objective({"kind": "mlcd"}, CATALOGUE),
}
MEDQUAD: Mapping[str, Settings] = {
    "bag-softmax": {},
    "bag-triplet-alignment": objective(TRIPLET),
    "bag-softmax+hard-negatives": {"hard_negatives": {**HARD, "start_epoch": 2, "every": 2}},
    "bag-adversarial-ranker": objective(summed(term(1.0, SOFTMAX), term(0.5, {"kind": "adversarial"})))
    | {
        "hard_negatives": {**HARD, "start_epoch": 2, "every": 2, "per_step": 4},
        "teacher": {"kind": "ranker", "warmup_steps": 300, "ranker_steps": 100},
    },
}
_TEACHER: Settings = {"teacher": {"kind": "judgements", "per_step": 2}}


def _taught(weight: float, kind: str, **settings: float) -> Settings:
    return objective(summed(term(1.0, SOFTMAX), term(weight, {"kind": kind, **settings}))) | _TEACHER


JUDGED = 16
_TEMPERATURES = {"temperature": 0.05, "teacher_temperature": 0.1}
# Weights by the rule of weighted_sum, no exam: a gradient of .1 to .3 of the softmax's after two epochs. The first
# hardly reads the scores, so it shows what the judged documents do as mere negatives.
TAUGHT: Mapping[str, Settings] = {
    "bag-judged-negatives": _taught(1e-6, "margin_mse"),
    "bag-graded-kl": _taught(0.2, "graded_kl", **_TEMPERATURES),
    "bag-distill-kl": _taught(50.0, "distill_kl", **_TEMPERATURES),
    "bag-margin-mse": _taught(2.0, "margin_mse"),
    "bag-logit-distillation": _taught(20.0, "logit_distillation"),
}
NOISE: Settings = {"kind": "confident_consensus", "start_epoch": 2}
BANKING: Mapping[str, Settings] = {
    "softmax": {},
    "triplet-alignment": objective(TRIPLET, CATALOGUE),
    "consensus+softmax": objective({"kind": "heads", "first": SOFTMAX, "second": SOFTMAX}, CATALOGUE)
    | {"heads": {"weight": 0.5}, "noise": NOISE},
    "consensus+triplet-alignment": objective({"kind": "heads", "first": TRIPLET, "second": TRIPLET}, CATALOGUE)
    | {"heads": {"weight": 0.5}, "noise": NOISE},
}
NOISE_LEVELS = (0.0, 0.2, 0.4)

_TOKENS = [{"kind": "tokens", "name": "text", "model": "minilm", "max_tokens": 48}]
# 100 steps of 48 pairs; the part of the training pairs is drawn by the seed.
MINILM: dict[str, Any] = {
    "features": {"query": _TOKENS, "item": _TOKENS},
    "dimension": 384,
    "share_text": False,
    "pretrained": {"minilm": {"projection": "none"}},
    "objective": SOFTMAX,
    "trainer": {
        "epochs": 1,
        "batch_size": 48,
        "learning_rate": 5e-5,
        "pretrained_learning_rate": 5e-5,
        "schedule": "linear",
        "warmup": 0.1,
    },
}
MINILM_PAIRS = 100 * 48
