"""Baselines from outside: EASE with and without recency, and ALS and BPR of the package implicit.

Letters: B queries of a chunk, D factors, N items, P interactions. Scorers have the signature of
training.evaluate.Score.
"""

import numpy as np
from implicit.als import AlternatingLeastSquares
from implicit.bpr import BayesianPersonalizedRanking
from scipy import linalg, sparse
from threadpoolctl import threadpool_limits

from training.baselines import binary_matrix, history_matrix
from training.evaluate import Score
from training.evaluation_set import EvaluationSet
from training.ragged import FloatArray, IntArray


def ease_weights(query_P: IntArray, item_P: IntArray, n_items: int, regularisation: float = 50.0) -> FloatArray:
    """Item-to-item weights [N, N] of EASE (Steck, 2019, Embarrassingly shallow autoencoders): B = I - P / diag(P).

    P is the inverse of X'X + regularisation * I; the diagonal of B is 0.
    """
    seen_QN = binary_matrix(query_P, item_P, n_items)
    gram_NN = (seen_QN.T @ seen_QN).toarray().astype(np.float64)
    gram_NN[np.diag_indices(n_items)] += regularisation
    inverse_NN = linalg.inv(gram_NN, overwrite_a=True)
    weights_NN: FloatArray = (-inverse_NN / np.diag(inverse_NN)).astype(np.float32)
    weights_NN[np.diag_indices(n_items)] = 0
    return weights_NN


def ease(weights_NN: FloatArray, evaluation_set: EvaluationSet, recency_decay: float = 0.0) -> Score:
    """Scores by EASE; with `recency_decay` history items weigh less the older they are (see `history_matrix`)."""
    n_items = len(weights_NN)

    def score(rows: IntArray) -> FloatArray:
        history_BN = history_matrix(evaluation_set, rows, n_items, recency_decay)
        return np.asarray(history_BN @ weights_NN, dtype=np.float32)

    return score


def als(
    query_P: IntArray,
    item_P: IntArray,
    n_queries: int,
    n_items: int,
    evaluation_set: EvaluationSet,
    *,
    seed: int,
    factors: int = 32,
    regularisation: float = 0.1,
    alpha: float = 1.0,
    iterations: int = 15,
) -> Score:
    """Implicit-feedback matrix factorisation by alternating least squares (Hu, Koren and Volinsky, 2008)."""
    with threadpool_limits(1, "blas"):  # implicit brings threads of its own; two pools slow each other down
        model = AlternatingLeastSquares(
            factors=factors,
            regularization=regularisation,
            alpha=alpha,
            iterations=iterations,
            random_state=seed,
            num_threads=1,
        )
        model.fit(_user_items(query_P, item_P, n_queries, n_items), show_progress=False)
    return _factor_score(model.user_factors, model.item_factors, evaluation_set)


def bpr(
    query_P: IntArray,
    item_P: IntArray,
    n_queries: int,
    n_items: int,
    evaluation_set: EvaluationSet,
    *,
    seed: int,
    factors: int = 64,
    learning_rate: float = 0.01,
    regularisation: float = 0.01,
    iterations: int = 100,
) -> Score:
    """Bayesian personalised ranking (Rendle et al., 2009); the last factors hold the item biases."""
    model = BayesianPersonalizedRanking(
        factors=factors,
        learning_rate=learning_rate,
        regularization=regularisation,
        iterations=iterations,
        random_state=seed,
        num_threads=1,
    )
    model.fit(_user_items(query_P, item_P, n_queries, n_items), show_progress=False)
    return _factor_score(model.user_factors, model.item_factors, evaluation_set)


def _user_items(query_P: IntArray, item_P: IntArray, n_queries: int, n_items: int) -> sparse.csr_matrix:
    seen = binary_matrix(query_P, item_P, n_items)
    seen.resize(n_queries, n_items)
    return sparse.csr_matrix(seen)  # implicit knows the older class only


def _factor_score(query_QD: FloatArray, item_ND: FloatArray, evaluation_set: EvaluationSet) -> Score:
    def score(rows: IntArray) -> FloatArray:
        return np.asarray(query_QD[evaluation_set.query_rows_Q[rows]] @ item_ND.T, dtype=np.float32)

    return score
