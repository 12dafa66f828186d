"""Candidates and scores of pairs as tensors, for a checkpoint."""

from collections.abc import Mapping
from typing import Any

import torch

from training.candidates import Candidates, PairScores
from training.ragged import Ragged


def candidates_state(candidates: Candidates | None) -> dict[str, Any] | None:
    """Tensors and numbers that `candidates_of` reads back."""
    if candidates is None:
        return None
    return {
        "offsets": torch.from_numpy(candidates.items.offsets),
        "values": torch.from_numpy(candidates.items.values_V),
        "per_step": candidates.per_step,
        "scores": scores_state(candidates.scores),
    }


def candidates_of(state: Mapping[str, Any] | None) -> Candidates | None:
    """The candidates of a state."""
    if state is None:
        return None
    items = Ragged(state["offsets"].numpy(), state["values"].numpy())
    return Candidates(items, state["per_step"], scores_of(state["scores"]))


def scores_state(scores: PairScores | None) -> dict[str, Any] | None:
    """Tensors and numbers that `scores_of` reads back."""
    if scores is None:
        return None
    return {
        "n_items": scores.n_items,
        "key": torch.from_numpy(scores.key_P),
        "score": torch.from_numpy(scores.score_P),
    }


def scores_of(state: Mapping[str, Any] | None) -> PairScores | None:
    """The scores of a state."""
    return None if state is None else PairScores(state["n_items"], state["key"].numpy(), state["score"].numpy())
