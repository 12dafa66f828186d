"""The bias of a role, tuned and measured on held-back queries, then made from all.

Letters: N items, Q queries, D embedding, M items of a bank, E betas.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bundle.errors import ConfigError
from index.hubness.asking import Asking
from index.hubness.bank import NO_ROW, Bank, FloatArray, IntArray, activated, log_mean_exp
from index.hubness.bias import HubnessBias
from index.hubness.config import ITEM_BETA, METHODS, QUERY_BETA, HubnessConfig, HubnessMethod
from index.hubness.report import HubnessReport
from index.hubness.trial import Trial

# The first of equals is taken, so they begin with what is known to work for cosines.
QUERY_BETAS = (QUERY_BETA, 10.0, 40.0, 5.0, 80.0)
ITEM_BETAS = (ITEM_BETA, 10.0, 20.0)
MOST_MEASURED = 2_000
TARGET_OVERLAP = 0.99
LEAST_CANDIDATES = 200
MOST_CANDIDATES = 2_000


@dataclass(frozen=True)
class FittedBias:
    """The bias that is served, and the report on it."""

    bias: HubnessBias
    report: HubnessReport


def fit_bias(
    vectors_ND: FloatArray, asking: Asking, config: HubnessConfig, metric: Literal["cosine", "dot"], seed: int
) -> FittedBias:
    """Tune and measure with one half of the queries as bank and the other held back; then make the bias from all.

    Raises ConfigError where there is nothing to measure.
    """
    if len(asking) < 2 or len(vectors_ND) < 2:
        raise ConfigError("[hubness] needs two queries and two items at least; leave the section out")
    random = np.random.default_rng(seed)
    item_rows = np.sort(random.choice(len(vectors_ND), min(config.bank_size, len(vectors_ND)), replace=False))
    items = Bank(np.ascontiguousarray(vectors_ND[item_rows]), item_rows.astype(np.int64))
    order_Q = random.permutation(len(asking))
    half = len(asking) // 2
    banked, held = asking.at(np.sort(order_Q[:half])), asking.at(np.sort(order_Q[half : half + MOST_MEASURED]))
    trial = Trial(vectors_ND, held)
    is_tuned = bool((held.positive_rows_Q != NO_ROW).any()) and None in (config.query_beta, config.item_beta)
    betas = _Betas.of(config, 1 if metric == "cosine" else _unit(asking.vectors_QD, items.vectors_MD), is_tuned)
    tried = _Nearness.of(vectors_ND, banked.bank(), items, betas, config.activation_k)
    query_e, item_e = _tuned(tried, trial) if is_tuned else (0, 0)
    chosen = _Betas((betas.query_E[query_e],), (betas.item_E[item_e],))
    bias = tried.bias(query_e, item_e)
    depths = [trial.depths(bias, method) for method in METHODS]
    n_candidates = _candidates(depths)
    report = HubnessReport(
        default=config.default,
        queries=asking.source,
        n_bank_queries=len(asking),
        n_bank_items=len(items),
        n_positives=int((asking.positive_rows_Q != NO_ROW).sum()),
        query_beta=bias.query_beta,
        item_beta=bias.item_beta,
        is_tuned=is_tuned,
        n_queries=len(held),
        n_items=len(vectors_ND),
        k=trial.k,
        n_candidates=n_candidates,
        overlap=round(min(float((depth < n_candidates).mean()) for depth in depths), 6),
        measures=(trial.measure(bias, "off"), *(trial.measure(bias, method) for method in METHODS)),
    )
    served = _Nearness.of(vectors_ND, asking.bank(), items, chosen, config.activation_k).bias(0, 0)
    return FittedBias(replace(served, n_candidates=n_candidates), report)


@dataclass(frozen=True)
class _Betas:
    """What is tried for either bank."""

    query_E: Sequence[float]
    item_E: Sequence[float]

    @classmethod
    def of(cls, config: HubnessConfig, unit: float, is_tuned: bool) -> "_Betas":
        """What the config says; else what to try. `unit` is the score of a cosine of 1."""

        def tried(given: float | None, candidates: Sequence[float]) -> Sequence[float]:
            if given is not None:
                return (given,)
            return tuple(beta / unit for beta in candidates[: None if is_tuned else 1])

        return cls(tried(config.query_beta, QUERY_BETAS), tried(config.item_beta, ITEM_BETAS))


@dataclass(frozen=True)
class _Nearness:
    """How near the items lie to both banks, for every beta."""

    betas: _Betas
    query_EN: FloatArray
    item_EN: FloatArray
    is_activated_2N: NDArray[np.bool_]

    @classmethod
    def of(cls, vectors_ND: FloatArray, queries: Bank, items: Bank, betas: _Betas, activation_k: int) -> "_Nearness":
        """Compare every item with both banks."""
        return cls(
            betas,
            log_mean_exp(vectors_ND, queries, betas.query_E),
            log_mean_exp(vectors_ND, items, betas.item_E),
            np.stack([activated(vectors_ND, bank, activation_k) for bank in (queries, items)]),
        )

    def bias(self, query_e: int, item_e: int) -> HubnessBias:
        """The bias at one beta of each."""
        nearness_2N = np.stack([self.query_EN[query_e], self.item_EN[item_e]])
        nearness_2N -= nearness_2N.mean(axis=1, dtype=np.float64, keepdims=True).astype(np.float32)
        betas = self.betas.query_E[query_e], self.betas.item_E[item_e]
        return HubnessBias(nearness_2N, self.is_activated_2N, *betas, LEAST_CANDIDATES)


def _tuned(tried: _Nearness, trial: Trial) -> tuple[int, int]:
    """The places of the betas with the best recall@1: first that of the query bank alone, then that of the item bank.

    By recall and not by skewness, which is least where every item is shown alike, relevant or not.
    """

    def recall(query_e: int, item_e: int, method: HubnessMethod) -> float:
        return trial.recall_at_1(trial.rows(tried.bias(query_e, item_e), method)) or 0

    query_e = int(np.argmax([recall(e, 0, "inverted_softmax") for e in range(len(tried.query_EN))]))
    item_e = int(np.argmax([recall(query_e, e, "dual_inverted_softmax") for e in range(len(tried.item_EN))]))
    return query_e, item_e


def _candidates(depths: Sequence[IntArray]) -> int:
    """Candidates that hold nearly all of the k best under every method, within what a search can afford."""
    needed = max(int(np.quantile(depth, TARGET_OVERLAP, method="higher")) for depth in depths) + 1
    return min(max(needed, LEAST_CANDIDATES), MOST_CANDIDATES)


def _unit(queries_QD: FloatArray, items_MD: FloatArray) -> float:
    """The score of a typical query and item that point the same way."""
    unit = float(np.linalg.norm(queries_QD, axis=1).mean() * np.linalg.norm(items_MD, axis=1).mean())
    return unit or 1.0
