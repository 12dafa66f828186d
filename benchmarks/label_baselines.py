"""Baselines that give labels to texts: the commonest labels, the labels of a group, and a linear model on tf-idf.

Letters: B queries of a chunk, N labels, P training pairs, Q queries of an exam, T training queries.
"""

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.multiclass import OneVsRestClassifier

from benchmarks.exam import Exam
from benchmarks.text_task import Task
from training.evaluate import Score
from training.ragged import FloatArray, IntArray


def commonest(task: Task, exam: Exam) -> Score:
    """Every query gets the labels in order of their training count."""
    count_C = np.bincount(task.dataset.interactions.item_N[task.split.train_N], minlength=len(task.dataset.items))
    score_C = count_C[exam.item_rows_C].astype(np.float32)
    return lambda rows: np.tile(score_C, (len(rows), 1))


def commonest_by(task: Task, exam: Exam, column: str) -> Score:
    """Labels by their share of the training queries with the same value in `column`, then by their count in all."""
    values = np.array(task.dataset.queries.table[column].to_pylist())  # type: ignore[index]
    names, group_N = np.unique(values, return_inverse=True)
    query_P, item_P = _training_pairs(task)
    count_GN = np.zeros((len(names), len(task.dataset.items)))
    np.add.at(count_GN, (group_N[query_P], item_P), 1)
    trained = np.bincount(group_N[np.unique(query_P)], minlength=len(names))
    all_N = count_GN.sum(0)
    share_GN = count_GN / np.maximum(trained, 1)[:, None] + 1e-3 * all_N / all_N.max()
    share_GC = share_GN[:, exam.item_rows_C].astype(np.float32)
    group_Q = group_N[exam.query_rows_Q]
    return lambda rows: share_GC[group_Q[rows]]


def linear_tf_idf(task: Task, exam: Exam, passes: int | None = None) -> Score:
    """Logistic regression on tf-idf of words and word pairs, one label against the rest; exact, with C = 10.

    With `passes` over the data it is fitted by stochastic gradients instead, for tasks of many labels. A label that
    training never has scores -inf.
    """
    query_P, item_P = _training_pairs(task)
    query_T, row_P = np.unique(query_P, return_inverse=True)
    labels, label_P = np.unique(item_P, return_inverse=True)
    vectorizer = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2)
    known = vectorizer.fit_transform(task.query_texts(query_T))
    has_TL = sparse.csr_array((np.ones(len(row_P)), (row_P, label_P)), shape=(len(query_T), len(labels)))
    exact = LogisticRegression(solver="liblinear", C=10.0)
    quick = SGDClassifier(loss="log_loss", alpha=1e-5, max_iter=passes or 1, tol=None, random_state=0)
    model = OneVsRestClassifier(quick if passes else exact).fit(known, has_TL)
    asked = vectorizer.transform(task.query_texts(exam.query_rows_Q))
    score_QN = np.full((len(exam), len(task.dataset.items)), -np.inf, dtype=np.float32)
    score_QN[:, labels] = model.decision_function(asked)
    score_QC: FloatArray = score_QN[:, exam.item_rows_C]
    return lambda rows: score_QC[rows]


def _training_pairs(task: Task) -> tuple[IntArray, IntArray]:
    interactions, rows = task.dataset.interactions, task.split.train_N
    return interactions.query_N[rows], interactions.item_N[rows]
