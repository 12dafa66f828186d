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
    items, (banked, held) = _item_bank(vectors_ND, config.bank_size, random), _halves(asking, random)
    trial = Trial(vectors_ND, held)
    is_tuned = bool((held.positive_rows_Q != NO_ROW).any()) and None in (config.query_beta, config.item_beta)
    betas = _Betas.of(config, 1 if metric == "cosine" else _unit(asking.vectors_QD, items.vectors_MD), is_tuned)
    near_items = _Compared.of(vectors_ND, items, betas.item_E, config.activation_k)
    near_half = _Compared.of(vectors_ND, banked.bank(), betas.query_E, config.activation_k)
    query_e, item_e = _tuned(near_half, near_items, trial) if is_tuned else (0, 0)
    bias = _bias(near_half, near_items, query_e, item_e)
    depths = list(trial.depths(bias).values())
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
    near_all = _Compared.of(vectors_ND, asking.bank(), (bias.query_beta,), config.activation_k)
    return FittedBias(replace(_bias(near_all, near_items, 0, item_e), n_candidates=n_candidates), report)


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
class _Compared:
    """How near the items lie to a bank, for every beta, and which are hubs of it."""

    betas: Sequence[float]
    nearness_EN: FloatArray
    is_activated_N: NDArray[np.bool_]

    @classmethod
    def of(cls, vectors_ND: FloatArray, bank: Bank, betas: Sequence[float], activation_k: int) -> "_Compared":
        """Compare every item with the bank."""
        return cls(betas, log_mean_exp(vectors_ND, bank, betas), activated(vectors_ND, bank, activation_k))


def _bias(queries: _Compared, items: _Compared, query_e: int, item_e: int) -> HubnessBias:
    """The bias at one beta of each bank."""
    nearness_2N = np.stack([queries.nearness_EN[query_e], items.nearness_EN[item_e]])
    nearness_2N -= nearness_2N.mean(axis=1, dtype=np.float64, keepdims=True).astype(np.float32)
    is_activated_2N = np.stack([queries.is_activated_N, items.is_activated_N])
    betas = queries.betas[query_e], items.betas[item_e]
    return HubnessBias(nearness_2N, is_activated_2N, *betas, LEAST_CANDIDATES)


def _item_bank(vectors_ND: FloatArray, size: int, random: np.random.Generator) -> Bank:
    rows_M = np.sort(random.choice(len(vectors_ND), min(size, len(vectors_ND)), replace=False)).astype(np.int64)
    return Bank(np.ascontiguousarray(vectors_ND[rows_M]), rows_M)


def _halves(asking: Asking, random: np.random.Generator) -> tuple[Asking, Asking]:
    """Queries for the bank, and others that are held back."""
    order_Q, half = random.permutation(len(asking)), len(asking) // 2
    return asking.at(np.sort(order_Q[:half])), asking.at(np.sort(order_Q[half : half + MOST_MEASURED]))


def _tuned(queries: _Compared, items: _Compared, trial: Trial) -> tuple[int, int]:
    """The places of the betas with the best recall@1: first that of the query bank alone, then that of the item bank.

    By recall and not by skewness, which is least where every item is shown alike, relevant or not.
    """

    def recall(query_e: int, item_e: int, method: HubnessMethod) -> float:
        return trial.recall_at_1(trial.rows(_bias(queries, items, query_e, item_e), method)) or 0

    query_e = int(np.argmax([recall(e, 0, "inverted_softmax") for e in range(len(queries.betas))]))
    item_e = int(np.argmax([recall(query_e, e, "dual_inverted_softmax") for e in range(len(items.betas))]))
    return query_e, item_e


def _candidates(depths: Sequence[IntArray]) -> int:
    """Candidates that hold nearly all of the k best under every method, within what a search can afford."""
    needed = max(int(np.quantile(depth, TARGET_OVERLAP, method="higher")) for depth in depths) + 1
    return min(max(needed, LEAST_CANDIDATES), MOST_CANDIDATES)


def _unit(queries_QD: FloatArray, items_MD: FloatArray) -> float:
    """The score of a typical query and item that point the same way."""
    unit = float(np.linalg.norm(queries_QD, axis=1).mean() * np.linalg.norm(items_MD, axis=1).mean())
    return unit or 1.0
