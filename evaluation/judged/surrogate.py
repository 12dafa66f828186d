"""What the judges' votes foretell of the gain that people would give, learned without looking at the pair's own label.

Ridge regression on the votes, their mean where a judge was not asked, and the covariates; cross-fitted over folds of
queries, so that a pair's prediction depends on labels of other queries only (Egami et al., "Using Imperfect
Surrogates for Downstream Inference: Design-based Supervised Learning", NeurIPS 2023, section 4). The estimate that is
made of it is unbiased whatever the regression learns; a better one only narrows the interval.

N pairs, F columns of the regression.
"""

import numpy as np

from evaluation.errors import TooFewLabels
from evaluation.judged.pairs import FOLDS, BoolArray, FloatArray, IntArray, JudgedPairs

_RIDGE = 1.0


def predicted_gains(pairs: JudgedPairs, seed: int) -> FloatArray:
    """The cross-fitted prediction [N] of every pair's gain, within the range of the labels that it was learned from.

    Raises TooFewLabels where all labels are of one fold, so that nothing is left to learn its predictions from.
    """
    columns_NF = design(pairs)
    fold_N = folds_of(pairs.query_N, pairs.n_queries, seed)
    is_gold_N = pairs.is_gold_N
    predicted_N = np.empty(len(columns_NF))
    for fold in range(FOLDS):
        inside_N = fold_N == fold
        learn_N = is_gold_N & ~inside_N
        if not learn_N.any():
            raise TooFewLabels(
                "the labelled queries are too few to learn from some for the others; label pairs of more queries"
            )
        learned_N = _ridge(columns_NF, pairs.gold_N, 1 / pairs.probability_N, learn_N)
        # The range is that of the same labels: a wider one would tell a pair's prediction of its own label.
        gold = pairs.gold_N[learn_N]
        predicted_N[inside_N] = np.clip(learned_N, gold.min(), gold.max())[inside_N]
    return predicted_N


def squared_errors(pairs: JudgedPairs, predicted_N: FloatArray) -> FloatArray:
    """How far off the prediction of each pair [N] is expected to be, squared; never below a tenth of the mean.

    A regression of the labelled pairs' squared errors on the prediction and on how far the judges disagree.
    """
    is_gold_N = pairs.is_gold_N
    error_N = np.where(is_gold_N, (pairs.gold_N - predicted_N) ** 2, np.nan)
    spread_N = np.nanstd(_filled(pairs.vote_NJ), axis=1) if pairs.vote_NJ.shape[1] else np.zeros(len(error_N))
    columns_NF = _standardised(np.column_stack([predicted_N, predicted_N**2, spread_N]))
    expected_N = _ridge(columns_NF, error_N, 1 / pairs.probability_N, is_gold_N)
    mean = float(np.average(error_N[is_gold_N], weights=1 / pairs.probability_N[is_gold_N]))
    return np.maximum(expected_N, max(0.1 * mean, np.finfo(np.float64).tiny))


def folds_of(query_N: IntArray, n_queries: int, seed: int) -> IntArray:
    """The fold of each pair's query: queries are dealt to the folds in equal numbers."""
    fold_Q = np.random.default_rng(seed).permutation(n_queries) % FOLDS
    return fold_Q[query_N]


def design(pairs: JudgedPairs) -> FloatArray:
    """Standardised columns [N, F]: every judge's vote, whether it voted where some did not, and the covariates.

    The order of the judges does not matter to what is predicted from them.
    """
    missing_NJ = np.isnan(pairs.vote_NJ)
    gaps_NG = missing_NJ[:, missing_NJ.any(axis=0)].astype(np.float64)
    return _standardised(np.column_stack([_filled(pairs.vote_NJ), gaps_NG, pairs.covariate_NC]))


def _filled(vote_NJ: FloatArray) -> FloatArray:
    """Votes with the judge's own mean where it was not asked; a judge that was never asked says 0."""
    asked_NJ = ~np.isnan(vote_NJ)
    sum_J = np.where(asked_NJ, vote_NJ, 0).sum(axis=0)
    mean_J = sum_J / np.maximum(1, asked_NJ.sum(axis=0))
    filled_NJ: FloatArray = np.where(asked_NJ, vote_NJ, mean_J)
    return filled_NJ


def _standardised(columns_NF: FloatArray) -> FloatArray:
    deviation_F = columns_NF.std(axis=0)
    scaled_NF: FloatArray = (columns_NF - columns_NF.mean(axis=0)) / np.where(deviation_F > 0, deviation_F, 1)
    return scaled_NF


def _ridge(columns_NF: FloatArray, target_N: FloatArray, weight_N: FloatArray, learn_N: BoolArray) -> FloatArray:
    """Predictions [N] of a weighted ridge regression learned on the rows `learn_N`; its intercept is not shrunk."""
    x, y, w = columns_NF[learn_N], target_N[learn_N], weight_N[learn_N]
    w = w / w.mean()
    mean_F, mean = np.average(x, axis=0, weights=w), np.average(y, weights=w)
    centred = x - mean_F
    gram_FF = (centred * w[:, None]).T @ centred + _RIDGE * np.eye(x.shape[1])
    slope_F = np.linalg.solve(gram_FF, (centred * w[:, None]).T @ (y - mean))
    predicted_N: FloatArray = mean + (columns_NF - mean_F) @ slope_F
    return predicted_N
