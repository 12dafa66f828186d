"""What would worry about a set of semantic IDs: codes without use, codes for everything, lost items, changed names."""

from collections.abc import Iterator

from training.finding import Finding
from training.semantic_ids import SemanticIds

FEW_CODES = 0.25
UNEVEN = 0.75
HEAVY_COLLISIONS = 0.2
HEAVY_BUCKET = 0.01
FEW_ITEMS = 10
HIGH_CHURN = 0.2
OTHER_SPACE = 0.5


def code_findings(semantic_ids: SemanticIds) -> Iterator[Finding]:
    """The warnings of these codes, the gravest first."""
    yield from _collapse(semantic_ids)
    yield from _collisions(semantic_ids)
    yield from _churn(semantic_ids)
    yield from _imbalance(semantic_ids)


def _collapsed(semantic_ids: SemanticIds) -> list[int]:
    sizes, metrics = semantic_ids.quantizer.codebook_sizes, semantic_ids.metrics
    return [level for level, size in enumerate(sizes, start=1) if metrics[f"perplexity@{level}"] < FEW_CODES * size]


def _collapse(semantic_ids: SemanticIds) -> Iterator[Finding]:
    collapsed = _collapsed(semantic_ids)
    if collapsed:
        sizes, metrics = semantic_ids.quantizer.codebook_sizes, semantic_ids.metrics
        told = ", ".join(f"{metrics[f'perplexity@{x}']:.0f} of {sizes[x - 1]} at level {x}" for x in collapsed)
        yield Finding(
            "Semantic IDs use few of their codes",
            f"The codes are worth as many evenly used ones (perplexity): {told}. Lower quantizer.codebook_size; if it "
            "is level 1, look first whether the embedding itself has collapsed.",
        )


def _collisions(semantic_ids: SemanticIds) -> Iterator[Finding]:
    n, levels, metrics = len(semantic_ids.code_NL), semantic_ids.code_NL.shape[1], semantic_ids.metrics
    share, largest = metrics[f"dup_share@{levels}"], int(metrics[f"largest_bucket@{levels}"])
    if share > HEAVY_COLLISIONS or largest > max(FEW_ITEMS, HEAVY_BUCKET * n):
        yield Finding(
            "Many items share a whole semantic ID",
            f"{share:.1%} of the items have all codes in common with another, the largest group is {largest:,} items; "
            "only a suffix tells them apart. Raise quantizer.levels or quantizer.codebook_size, or give the item tower "
            "features in which these items differ.",
        )


def _churn(semantic_ids: SemanticIds) -> Iterator[Finding]:
    churn = semantic_ids.churn
    if churn is not None and churn.changed[-1] > HIGH_CHURN:
        yield Finding(
            "Many semantic IDs changed",
            f"{churn.changed[-1]:.1%} of the items have another one than in bundle {churn.bundle_id}, "
            f"{churn.changed[0]:.1%} another first code. Whatever stored the codes has to be made again. A "
            "warm start (semantic_id_stability.mode) keeps codes as far as the item tower itself stays.",
        )
    if churn is not None and churn.space_residual is not None and churn.space_residual > OTHER_SPACE:
        yield Finding(
            "The items moved in ways that no rotation undoes",
            f"{churn.space_residual:.0%} of the spread of the item embeddings is new since bundle {churn.bundle_id}: "
            "codes that stayed may mean something else. Keep the item tower where codes have to keep their meaning.",
        )


def _imbalance(semantic_ids: SemanticIds) -> Iterator[Finding]:
    collapsed, metrics = _collapsed(semantic_ids), semantic_ids.metrics
    levels = range(1, semantic_ids.code_NL.shape[1] + 1)
    uneven = [x for x in levels if x not in collapsed and metrics[f"gini@{x}"] > UNEVEN]
    if uneven:
        told = ", ".join(f"{metrics[f'gini@{x}']:.2f} at level {x}" for x in uneven)
        yield Finding(
            "A few codes have most of the items",
            f"Gini coefficient of the items by code: {told}. Groups of items under a code differ much in size; lower "
            "quantizer.codebook_size, or take a quantizer that balances its codes.",
        )
