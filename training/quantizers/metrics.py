"""How good a set of semantic IDs is, over the whole catalogue.

Axes: N items, L levels, D embedding.
"""

from collections.abc import Sequence

import numpy as np

from training.ragged import FloatArray, IntArray


def quantizer_metrics(
    code_NL: IntArray, codebook_sizes: Sequence[int], embedding_ND: FloatArray, decoded_ND: FloatArray
) -> dict[str, float]:
    """Per level (counted from 1): `usage@l` share of codes used, `perplexity@l` of the codes, `gini@l` of the counts
    of all codes, used or not. Per prefix length: `dup_excess@l` = 1 - distinct prefixes / items, and `dup_share@l` =
    share of items whose prefix another item has. `relative_error` = mean |x - decoded|^2 / mean |x - mean x|^2.
    """
    metrics: dict[str, float] = {}
    for level, size in enumerate(codebook_sizes, start=1):
        count_K = np.bincount(code_NL[:, level - 1], minlength=size)
        metrics[f"usage@{level}"] = float((count_K > 0).mean())
        metrics[f"perplexity@{level}"] = perplexity(count_K)
        metrics[f"gini@{level}"] = gini(count_K)
        metrics[f"dup_excess@{level}"], metrics[f"dup_share@{level}"] = duplicates(code_NL[:, :level])
    spread = np.square(embedding_ND - embedding_ND.mean(0)).sum(1).mean()
    error = np.square(embedding_ND - decoded_ND).sum(1).mean()
    metrics["relative_error"] = float(error / spread) if spread > 0 else 0.0
    return metrics


def perplexity(count_K: IntArray) -> float:
    """exp of the entropy of the counts: the number of codes that equal use would need."""
    share_K = count_K[count_K > 0] / count_K.sum()
    return float(np.exp(-(share_K * np.log(share_K)).sum()))


def gini(count_K: IntArray) -> float:
    """0 when all counts are equal, towards 1 when one has everything."""
    ascending_K = np.sort(count_K).astype(np.float64)
    n = len(ascending_K)
    return float((n + 1) / n - 2 * (np.arange(n, 0, -1) * ascending_K).sum() / (n * ascending_K.sum()))


def duplicates(code_NL: IntArray) -> tuple[float, float]:
    """(1 - distinct rows / rows, share of rows that are not alone)."""
    _, count_U = np.unique(code_NL, axis=0, return_counts=True)
    n = len(code_NL)
    return 1 - len(count_U) / n, float(count_U[count_U > 1].sum()) / n
