"""How good a set of semantic IDs is, over the whole catalogue.

Axes: N items, L levels, D embedding, K codes of a level.
"""

from collections.abc import Sequence

import numpy as np

from training.quantizers.contract import Behaviour
from training.quantizers.prefixes import prefix_groups, prefix_hit_rate, relative_error
from training.ragged import FloatArray, IntArray


def quantizer_metrics(
    code_NL: IntArray,
    codebook_sizes: Sequence[int],
    embedding_ND: FloatArray,
    decoded_ND: FloatArray,
    behaviour: Behaviour | None = None,
) -> dict[str, float]:
    """Per level (counted from 1): `usage@l` share of codes used, `perplexity@l` of the codes, `gini@l` of the counts
    of all codes, used or not. Per prefix length: `dup_excess@l` = 1 - distinct prefixes / items, `dup_share@l` =
    share of items whose prefix another item has, `largest_bucket@l` = items under the commonest prefix,
    `relative_error@l` = what the prefix leaves open (`prefixes.relative_error`, for every kind of quantizer), and of
    `behaviour` the `prefix_hit_rate@l` with its `prefix_lift@l` over chance (`prefixes.prefix_hit_rate`).
    `relative_error` = mean |x - decoded|^2 / mean |x - mean x|^2.
    """
    metrics: dict[str, float] = {}
    for level, size in enumerate(codebook_sizes, start=1):
        count_K = np.bincount(code_NL[:, level - 1], minlength=size)
        metrics[f"usage@{level}"] = float((count_K > 0).mean())
        metrics[f"perplexity@{level}"] = perplexity(count_K)
        metrics[f"gini@{level}"] = gini(count_K)
    for length, group_N in enumerate(prefix_groups(code_NL), start=1):
        count_G = np.bincount(group_N)
        metrics[f"dup_excess@{length}"], metrics[f"dup_share@{length}"] = duplicates(count_G)
        metrics[f"largest_bucket@{length}"] = float(count_G.max())
        metrics[f"relative_error@{length}"] = relative_error(embedding_ND, group_N)
        if behaviour is not None and (hits := prefix_hit_rate(group_N, behaviour)) is not None:
            rate, chance = hits
            metrics[f"prefix_hit_rate@{length}"] = rate
            if chance > 0:
                metrics[f"prefix_lift@{length}"] = rate / chance
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


def duplicates(count_G: IntArray) -> tuple[float, float]:
    """(1 - prefixes / items, share of items that are not alone), from the items under every prefix in use."""
    n = int(count_G.sum())
    return 1 - len(count_G) / n, float(count_G[count_G > 1].sum()) / n
