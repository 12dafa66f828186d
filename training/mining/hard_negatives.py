"""Hard negatives as an epoch hook: mine, filter, and let each query meet some of what is left at every step."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from training.candidates import Candidates
from training.epoch_hook import HookContext
from training.mining.candidate_state import candidates_of, candidates_state
from training.mining.miner import HardNegativesConfig, Miner


class HardNegatives:
    """Mines with the current towers from `start_epoch` on; before, only the configured negatives take part."""

    def __init__(self, config: HardNegativesConfig, context: HookContext) -> None:
        self._miner = Miner(config, context)
        self._context = context
        self._candidates: Candidates | None = None

    def before_epoch(self, epoch: int) -> dict[str, float]:
        """Mine if it is time; logs as in Mined.logs."""
        config = self._miner.config
        if not config.due(epoch):
            return {}
        mined = self._miner.choose(self._miner.mine(), np.random.default_rng([self._context.seed, epoch]))
        self._set(Candidates(mined.by_dataset_row(self._miner.n_queries), config.per_step))
        return mined.logs()

    def state(self) -> dict[str, Any]:
        """The candidates."""
        return {"candidates": candidates_state(self._candidates)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Set the candidates again."""
        self._set(candidates_of(state["candidates"]))

    def _set(self, candidates: Candidates | None) -> None:
        self._candidates = candidates
        self._context.batches.set_candidates(candidates)
