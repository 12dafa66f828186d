"""How the feature ranker learns: epochs over lists, stopped by nDCG on lists of other queries.

Axes: Q lists, K items, B lists of a step.
"""

import numpy as np
import torch
from pydantic import Field

from bundle.config import Config
from bundle.progress import Progress
from bundle.rerankers.pair_features import PairArrays
from training.errors import BadData, Diverged
from training.ragged import FloatArray, IntArray
from training.rerankers.feature_lists import FeatureLists
from training.rerankers.feature_network import FeatureNetwork
from training.rerankers.listwise import ListwiseLoss

STOPPING_CUT = 20


class ListSteps(Config):
    """The steps of a ranker of lists."""

    epochs: int = Field(default=40, ge=1, description="Epochs at most.")
    patience: int = Field(default=6, ge=1, description="Epochs without a better nDCG@20 before training stops.")
    batch_size: int = Field(default=32, ge=1, description="Queries a step.")
    learning_rate: float = Field(default=3e-3, gt=0, description="Step size of AdamW.")
    weight_decay: float = Field(default=0.01, ge=0, description="Weight decay of AdamW.")


class ListLearner:
    """A network and its optimizer."""

    def __init__(self, network: FeatureNetwork, loss: ListwiseLoss, config: ListSteps, progress: Progress) -> None:
        self._network = network
        self._loss = loss
        self._config = config
        self._progress = progress
        self._optimizer = torch.optim.AdamW(
            network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )

    def learn(self, fit: FeatureLists, stopping: FeatureLists, rng: np.random.Generator) -> list[float]:
        """Train on `fit`; leaves the weights of the epoch that ordered `stopping` best, in evaluation mode.

        Returns nDCG@20 of `stopping` before training and after every epoch. Raises BadData where no list holds
        anything that was wanted, Diverged where a loss is not finite.
        """
        rows = np.flatnonzero((fit.gain_QK > 0).any(axis=1))
        if len(rows) == 0:
            raise BadData(
                "the towers found nothing that a query of the validation part wanted, so the feature ranker cannot "
                "learn; raise rerankers.feature_ranker.depth, or leave the section out"
            )
        self._progress.start("feature ranker", self._config.epochs)
        measured = [self.ndcg(stopping)]
        best, best_state = 0, self._state()
        for epoch in range(1, self._config.epochs + 1):
            self._epoch(fit, rng.permutation(rows))
            measured.append(self.ndcg(stopping))
            self._progress.advance()
            if measured[-1] > measured[best]:
                best, best_state = epoch, self._state()
            elif epoch - best >= self._config.patience:
                break
        self._network.load_state_dict(best_state)
        self._network.eval()
        self._progress.note(f"epoch {best}: nDCG@{STOPPING_CUT} {measured[0]:.4f} -> {measured[best]:.4f}")
        self._progress.finish()
        return measured

    def ndcg(self, lists: FeatureLists) -> float:
        """Mean nDCG@20 of the lists in the network's order; all that was wanted counts, found or not."""
        self._network.eval()
        score_QK = np.concatenate(
            [self._scores(lists, rows_B) for rows_B in np.array_split(np.arange(len(lists)), 1 + len(lists) // 256)]
        )
        return float(ndcg_of(score_QK, lists, STOPPING_CUT).mean())

    def _scores(self, lists: FeatureLists, rows_B: IntArray) -> FloatArray:
        with torch.no_grad():
            score_BK: FloatArray = self._network(*self._arrays(lists, rows_B)).numpy()
        return score_BK

    def _epoch(self, fit: FeatureLists, order: IntArray) -> None:
        self._network.train()
        for start in range(0, len(order), self._config.batch_size):
            rows_B = order[start : start + self._config.batch_size]
            score_BK = self._network(*self._arrays(fit, rows_B))
            gain_BK, mask_BK = torch.from_numpy(fit.gain_QK[rows_B]), torch.from_numpy(fit.mask_QK[rows_B])
            loss = self._loss(score_BK, gain_BK, mask_BK)
            if not torch.isfinite(loss):
                raise Diverged("the feature ranker's loss is not finite; lower rerankers.feature_ranker.learning_rate")
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()

    def _arrays(self, lists: FeatureLists, rows_B: IntArray) -> list[torch.Tensor]:
        return self._network.arrays(PairArrays(lists.feature_QKF[rows_B], lists.category_QKC[rows_B]))

    def _state(self) -> dict[str, torch.Tensor]:
        return {name: value.clone() for name, value in self._network.state_dict().items()}


def ndcg_of(score_QK: FloatArray, lists: FeatureLists, cut: int) -> FloatArray:
    """nDCG [Q] of lists in the order of scores; equal scores keep the order of the lists."""
    order_QK = np.argsort(-np.where(lists.mask_QK, score_QK, -np.inf), axis=1, kind="stable")[:, :cut]
    gain_QK = np.take_along_axis(lists.gain_QK, order_QK, axis=1)
    discount_K = 1 / np.log2(np.arange(2, 2 + cut))
    ideal_Q = np.cumsum(discount_K)[np.minimum(lists.relevant_Q, cut) - 1]
    ndcg_Q: FloatArray = gain_QK @ discount_K[: gain_QK.shape[1]] / ideal_Q
    return ndcg_Q
