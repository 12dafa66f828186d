"""The report's section on semantic IDs: how codes are used, what they mean, what they lose, and what changed."""

from evaluation.markup import Section, grid, paragraph, picture, table
from training.outcome import Outcome
from training.report import code_pictures
from training.report.names import ItemNames
from training.report.pictures import map_by_attribute
from training.report.svg import SERIES, inline
from training.semantic_ids import SemanticIds


def semantic_id_section(outcome: Outcome, names: ItemNames) -> list[Section]:
    """The section; none without a quantizer."""
    found = outcome.semantic_ids
    if found is None:
        return []
    title = {
        code: names[row] for code, row in code_pictures.typical_items(found.embedding_ND, found.code_NL[:, 0]).items()
    }
    mapped = found.code_NL[outcome.diagnostics.map.item_M, 0]  # a part of the items, whose commonest codes have colours
    coloured = code_pictures.commonest(mapped)[: len(SERIES) - 1]
    body = [
        paragraph(_summary(found)),
        *_churn(outcome, found),
        grid([*_usage(found), _map(outcome, found), *_behaviour(found)]),
        picture(
            inline(
                code_pictures.tree_map(found.code_NL, title, coloured), "tree", "Tree map of first and second codes"
            ),
            "Boxes: items by first code, named by the item nearest to the middle of the group; boxes within: second "
            "codes. A name that does not fit its neighbours in the map hints at a group that means nothing.",
        ),
        table(_level_table(found)),
        table(_prefix_table(found)),
        table(_whole_table(found)),
        paragraph(
            "Error of a prefix: the spread of the items under it, as a share of that of all items. Lift: hit rate over "
            "chance. Decoded recall: how many of an item's 10 nearest are found when codes stand for the others; "
            "prefix recall: when only the number of common leading codes counts, ties broken by chance.",
            "quiet",
        ),
    ]
    return [Section("semantic-ids", "Semantic IDs", "\n".join(body))]


def _summary(found: SemanticIds) -> str:
    sizes, levels = found.quantizer.codebook_sizes, found.code_NL.shape[1]
    return (
        f"{' x '.join(map(str, sizes))} codes. {found.metrics[f'dup_share@{levels}']:.1%} of the items share their "
        f"whole ID with another; the largest group is {found.metrics[f'largest_bucket@{levels}']:,.0f}. IDs belong to "
        "this bundle: under another bundle the same codes mean something else."
    )


def _churn(outcome: Outcome, found: SemanticIds) -> list[str]:
    if outcome.config.semantic_id_stability is None:
        return []
    if found.churn is None:
        return [paragraph("No earlier bundle of the collection has semantic IDs, so nothing was compared.")]
    return [
        paragraph(
            f"{found.churn.changed[-1]:.1%} of the items have another ID than bundle {found.churn.bundle_id} gives "
            f"their record (mode {outcome.config.semantic_id_stability.mode}); new items count too."
        )
    ]


def _usage(found: SemanticIds) -> list[str]:
    drawn = code_pictures.code_usage(found.code_NL, found.quantizer.codebook_sizes)
    caption = (
        "Flat lines are good. A steep one puts most items under a few codes; one that ends early leaves codes out."
    )
    return [picture(inline(drawn, "codes", "Items by code"), caption)]


def _map(outcome: Outcome, found: SemanticIds) -> str:
    values = [str(code) for code in found.code_NL[:, 0].tolist()]
    drawn = map_by_attribute(outcome.diagnostics.map, "first code", values)
    caption = "The same colours as in the tree map. Items of one first code should lie together."
    return picture(inline(drawn, "map-codes", "Embedding by first code"), caption)


def _behaviour(found: SemanticIds) -> list[str]:
    metrics, lengths = found.metrics, range(1, found.code_NL.shape[1] + 1)
    if found.pairs_from is None:
        return []
    rates = [metrics[f"prefix_hit_rate@{x}"] for x in lengths]
    chances = [
        rate / metrics[f"prefix_lift@{x}"] if f"prefix_lift@{x}" in metrics and rate else 0.0
        for x, rate in zip(lengths, rates, strict=True)
    ]
    caption = (
        f"Pairs of items that one query took in the {found.pairs_from} part; chance draws items as often as they were "
        "taken. Bars at the height of chance: the codes know nothing of behaviour."
    )
    return [picture(inline(code_pictures.hit_rates(rates, chances), "hits", "Prefix hit rate by length"), caption)]


def _level_table(found: SemanticIds) -> list[list[str]]:
    metrics = found.metrics
    rows = [
        [
            str(level),
            f"{size:,}",
            f"{metrics[f'usage@{level}']:.1%}",
            f"{metrics[f'perplexity@{level}']:.4g}",
            f"{metrics[f'gini@{level}']:.3f}",
        ]
        for level, size in enumerate(found.quantizer.codebook_sizes, start=1)
    ]
    return [["level", "codes", "in use", "perplexity", "gini"], *rows]


_PREFIX_COLUMNS = (
    ("share a prefix", "dup_share", "{:.1%}"),
    ("largest group", "largest_bucket", "{:,.0f}"),
    ("error", "relative_error", "{:.4f}"),
    ("hit rate", "prefix_hit_rate", "{:.2%}"),
    ("lift", "prefix_lift", "{:.3g}"),
    ("changed", "churn", "{:.1%}"),
)


def _prefix_table(found: SemanticIds) -> list[list[str]]:
    lengths = range(1, found.code_NL.shape[1] + 1)
    shown = [column for column in _PREFIX_COLUMNS if f"{column[1]}@1" in found.metrics]
    rows = [[str(x), *(_cell(found, f"{name}@{x}", form) for _, name, form in shown)] for x in lengths]
    return [["codes of the prefix", *(title for title, _, _ in shown)], *rows]


def _cell(found: SemanticIds, name: str, form: str) -> str:
    return form.format(found.metrics[name]) if name in found.metrics else "–"


def _whole_table(found: SemanticIds) -> list[list[str]]:
    names = ("relative_error", "decoded_recall@10", "prefix_recall@10", "space_residual")
    return [
        ["measure", "value"],
        *([x.replace("_", " "), f"{found.metrics[x]:.4f}"] for x in names if x in found.metrics),
    ]
