"""Answers of several annotators merged: the two most likely answers of each task, and how far they are confused.

An annotator i who knows gives a task's first answer with probability q and its second with 1 - q; one who does not,
with probability 1 - p_i, answers anything alike (Jeong and Chung, "Recovering Top-Two Answers and Confusion Probability
in Multi-Choice Crowdsourcing", ICML 2023, section 3). Fitted here by alternating maximisation of that likelihood, which
never falls.

J tasks, I annotators, K classes, P ordered pairs of classes, G grid points.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.errors import TooFewLabels
from evaluation.judged.pairs import FloatArray, IntArray

NO_ANSWER = -1
_SHARE_G = np.linspace(0.5, 1.0, 26)
_RELIABILITY_G = np.linspace(0.0, 0.99, 34)
_ROUNDS = 50
_ENOUGH = 1e-6


@dataclass(frozen=True, eq=False)
class MergedAnswers:
    """`first_J`, `second_J`: the two most likely classes of each task. `share_J`: q, how often one who knows says the
    first, from 1/2 to 1. `reliability_I`: p, how often each annotator knows. `log_likelihood`: by round of fitting.
    """

    first_J: IntArray
    second_J: IntArray
    share_J: FloatArray
    reliability_I: FloatArray
    log_likelihood: tuple[float, ...]

    def soft_labels(self, n_classes: int) -> FloatArray:
        """The share of each class [J, K]: q at the first, 1 - q at the second."""
        label_JK = np.zeros((len(self.first_J), n_classes))
        rows_J = np.arange(len(self.first_J))
        label_JK[rows_J, self.second_J] = 1 - self.share_J
        label_JK[rows_J, self.first_J] = self.share_J
        return label_JK

    def difficulty(self) -> FloatArray:
        """How hard each task is [J]: 0 where all who know agree, 1 where first and second are as likely."""
        return 2 * (1 - self.share_J)

    def confusion(self, n_classes: int) -> FloatArray:
        """Mass [K, K] that tasks of the first class (rows) lose to their second (columns)."""
        mass_KK = np.zeros((n_classes, n_classes))
        np.add.at(mass_KK, (self.first_J, self.second_J), 1 - self.share_J)
        return mass_KK


def merge_answers(answer_JI: NDArray[np.integer], n_classes: int) -> MergedAnswers:
    """Merge answers, class numbers from 0 and NO_ANSWER where an annotator did not answer a task.

    Raises TooFewLabels for a task without an answer, ValueError for a class outside or fewer than 2 classes.
    """
    if n_classes < 2:
        raise ValueError(f"{n_classes} class cannot be confused with another; 2 or more are needed")
    if answer_JI.min(initial=0) < NO_ANSWER or answer_JI.max(initial=0) >= n_classes:
        raise ValueError(f"an answer is no class from 0 to {n_classes - 1}")
    empty_J = (answer_JI == NO_ANSWER).all(axis=1)
    if empty_J.any():
        raise TooFewLabels(
            f"task {int(empty_J.argmax())} has no answer; drop it or ask somebody", task=int(empty_J.argmax())
        )
    pairs_P2 = np.array([(a, b) for a in range(n_classes) for b in range(n_classes) if a != b])
    reliability_I = np.full(answer_JI.shape[1], 0.7)
    history: list[float] = []
    pair_J, share_J = _best_pairs(answer_JI, pairs_P2, reliability_I, n_classes)
    for _ in range(_ROUNDS):
        reliability_I = _best_reliability(answer_JI, pairs_P2[pair_J], share_J, n_classes)
        pair_J, share_J = _best_pairs(answer_JI, pairs_P2, reliability_I, n_classes)
        history.append(_log_likelihood(answer_JI, pairs_P2[pair_J], share_J, reliability_I, n_classes))
        if len(history) > 1 and history[-1] - history[-2] < _ENOUGH:
            break
    first_J, second_J = pairs_P2[pair_J].T
    return MergedAnswers(first_J, second_J, share_J, reliability_I, tuple(history))


def _best_pairs(
    answer_JI: NDArray[np.integer], pairs_P2: IntArray, reliability_I: FloatArray, n_classes: int
) -> tuple[IntArray, FloatArray]:
    """The pair of classes and the share of the first that each task's answers are likeliest under."""
    guess_I, answered_JI = (1 - reliability_I) / n_classes, answer_JI != NO_ANSWER
    best_J = np.full(len(answer_JI), -np.inf)
    pair_J, share_J = np.zeros(len(answer_JI), dtype=np.int64), np.ones(len(answer_JI))
    for p, (first, second) in enumerate(pairs_P2):
        is_first_JI, is_second_JI = answer_JI == first, answer_JI == second
        other_J = np.where(answered_JI & ~is_first_JI & ~is_second_JI, np.log(guess_I), 0).sum(axis=1)
        known_GI = np.log(np.outer(_SHARE_G, reliability_I) + guess_I)
        unknown_GI = np.log(np.outer(1 - _SHARE_G, reliability_I) + guess_I)
        value_JG = other_J[:, None] + is_first_JI @ known_GI.T + is_second_JI @ unknown_GI.T
        is_better_J = value_JG.max(axis=1) > best_J
        best_J = np.where(is_better_J, value_JG.max(axis=1), best_J)
        pair_J = np.where(is_better_J, p, pair_J)
        share_J = np.where(is_better_J, _SHARE_G[value_JG.argmax(axis=1)], share_J)
    return pair_J, share_J


def _best_reliability(
    answer_JI: NDArray[np.integer], pair_J2: IntArray, share_J: FloatArray, n_classes: int
) -> FloatArray:
    chance_JI = _chance_when_knowing(answer_JI, pair_J2, share_J)
    answered_JI = answer_JI != NO_ANSWER
    value_GI = np.stack(
        [np.where(answered_JI, np.log(p * chance_JI + (1 - p) / n_classes), 0).sum(axis=0) for p in _RELIABILITY_G]
    )
    best_I: FloatArray = _RELIABILITY_G[value_GI.argmax(axis=0)]
    return best_I


def _log_likelihood(
    answer_JI: NDArray[np.integer],
    pair_J2: IntArray,
    share_J: FloatArray,
    reliability_I: FloatArray,
    n_classes: int,
) -> float:
    chance_JI = _chance_when_knowing(answer_JI, pair_J2, share_J)
    logs_JI = np.log(reliability_I * chance_JI + (1 - reliability_I) / n_classes)
    return float(np.where(answer_JI != NO_ANSWER, logs_JI, 0).sum())


def _chance_when_knowing(answer_JI: NDArray[np.integer], pair_J2: IntArray, share_J: FloatArray) -> FloatArray:
    """How likely each answer is of an annotator who knows [J, I]."""
    is_first_JI, is_second_JI = answer_JI == pair_J2[:, :1], answer_JI == pair_J2[:, 1:]
    chance_JI: FloatArray = is_first_JI * share_J[:, None] + is_second_JI * (1 - share_J[:, None])
    return chance_JI
