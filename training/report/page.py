"""The page from top to bottom: warnings first, then pictures with how to read them, then the numbers and settings."""

from collections.abc import Sequence
from html import escape

import numpy as np

from bundle.hubness import K
from evaluation.markup import Section, grid, links_to, paragraph, picture, table
from evaluation.markup import document as html_document
from training.compare import MODEL
from training.finding import Finding
from training.loop import EpochLog
from training.outcome import Outcome
from training.report import curves, pictures
from training.report.examples import NEIGHBOURS, neighbour_cards, query_cards
from training.report.findings import findings
from training.report.names import ItemNames, attribute
from training.report.semantic_ids import semantic_id_section
from training.report.svg import inline


def document(outcome: Outcome) -> str:
    """The whole HTML document."""
    names = ItemNames(outcome)
    sections = [
        _metrics(outcome),
        _learning(outcome),
        _rare(outcome),
        _scores(outcome),
        _hubs(outcome),
        _map(outcome),
        _neighbours(outcome, names),
        _queries(outcome, names),
        *semantic_id_section(outcome, names),
        _data(outcome),
        _configuration(outcome),
    ]
    title = outcome.config.collection
    parts = [
        f"<h1>{escape(title)}</h1>",
        paragraph(_summary(outcome)),
        warnings_box(findings(outcome)),
        links_to(sections),
        *(section.html() for section in sections),
    ]
    return html_document(f"{title}: training report", parts)


def _summary(outcome: Outcome) -> str:
    config, learned = outcome.config, outcome.learned
    if not outcome.trained:
        return f"A dual encoder of {config.dimension} dimensions with its first weights: trainer.epochs = 0."
    chosen = (
        f"epoch {learned.best_epoch} was best by {config.trainer.metric} on the validation part"
        if learned.logs and learned.logs[0].metrics
        else f"all {learned.best_epoch} epochs were used, without validation"
    )
    return (
        f"A dual encoder of {config.dimension} dimensions, trained on {learned.examples:,} examples with the objective "
        f"{config.objective.kind} and {config.negatives.kind} negatives; {chosen}"
        + (", and training then began anew on train and validation together." if learned.final_logs else ".")
    )


def warnings_box(found: Sequence[Finding]) -> str:
    """The box at the head of the page, also where there is no warning."""
    if not found:
        return (
            '<div class="findings none"><h2>Nothing stands out</h2>'
            + paragraph(
                "None of the usual faults shows in the numbers. The pictures below may still show an unusual one."
            )
            + "</div>"
        )
    lines = [f"<li><b>{escape(one.title)}.</b> {escape(one.detail)}</li>" for one in found]
    return '<div class="findings"><h2>Look at this first</h2><ul>' + "\n".join(lines) + "</ul></div>"


def _metrics(outcome: Outcome) -> Section:
    excluded = ", without the items it had before" if outcome.config.evaluation.exclude_seen else ""
    note = (
        f"Every test query ranks the whole catalogue{excluded}. A model that does not stand above both baselines is "
        "not worth serving. psp@k is precision that counts rare items more, as a share of the best reachable."
    )
    return Section(
        "metrics", "Test metrics", paragraph(note) + grid([table(outcome.metric_table()), table(outcome.extra_table())])
    )


def _learning(outcome: Outcome) -> Section:
    learned, metric = outcome.learned, outcome.config.trainer.metric
    logs, final = learned.logs, learned.final_logs
    if not outcome.trained:
        return Section("learning", "Learning curves", _untrained(logs))
    shown = [
        picture(
            inline(curves.loss(logs, final), "loss", "Training loss by epoch"),
            "Should fall and flatten. Still steep at the end: more epochs. Jumping: a lower learning rate.",
        )
    ]
    if logs and logs[0].metrics:
        shown.append(
            picture(
                inline(
                    curves.validation(logs, metric, learned.best_epoch), "validation", f"Validation {metric} by epoch"
                ),
                "Should rise and flatten. Falling while the loss still falls: the model learns the training data by "
                "heart.",
            )
        )
    groups, zero = curves.term_groups([*logs, *final])
    for group, names in groups.items():
        anchor = "log-" + "".join(letter if letter.isalnum() else "-" for letter in group)
        drawn = inline(curves.terms(logs, final, group, names), anchor, f"{group} by epoch")
        shown.append(picture(drawn, _TERM_CAPTIONS.get(group, "Mean over the steps of each epoch.")))
    rest = paragraph(f"Logged, but zero throughout: {', '.join(zero)}.", "quiet") if zero else ""
    return Section("learning", "Learning curves", grid(shown) + rest)


def _untrained(logs: Sequence[EpochLog]) -> str:
    rows = [[name, f"{value:.4g}"] for log in logs for name, value in log.metrics.items()]
    measured = table([["metric", "validation"], *rows]) if rows else ""
    return paragraph("Nothing was trained (trainer.epochs = 0), so there is no curve.") + measured


_TERM_CAPTIONS = {
    "gradient": "How hard each objective pulls. One far above the others decides alone; change the weights.",
    "loss": "Each objective apart. One that rises while the others fall is being given up.",
    "cosine": "Mean cosine of two embeddings of a tower. Towards 1 all point one way: the embedding collapses.",
    "rank": "How many dimensions a tower's embeddings use. Falling towards 1: the embedding collapses.",
}


def _rare(outcome: Outcome) -> Section:
    found = outcome.diagnostics
    caption = (
        "Items trained on never or rarely stand at the left. Bars that vanish there mean that new and rare items are "
        "not found; popularity can only find the right end."
    )
    drawn = inline(pictures.bands(found.bands, found.band_k), "bands", f"Recall@{found.band_k} by training count")
    return Section("rare", "Rare and frequent items", grid([picture(drawn, caption), table(outcome.band_table())]))


def _scores(outcome: Outcome) -> Section:
    found = outcome.diagnostics
    auc, threshold = found.auc, found.threshold
    if auc is None or threshold is None:
        return Section("scores", "Scores", paragraph("The catalogue has no negatives to compare with."))
    note = (
        "For every query: its positives, and the 500 best scored items that are neither relevant nor seen. All queries "
        "are put together, so this asks whether one threshold could serve them all; the metrics above do not. "
        "Against the hardest negatives an AUC below 0.5 is no error: most positives then stand below place 500."
    )
    shown = [
        picture(
            inline(pictures.roc(auc), "roc", "ROC over all queries"),
            "Further up and left is better; on the dashed line a score says nothing.",
        ),
        picture(
            inline(pictures.scores(found.scores, threshold), "scores", "Score histograms"),
            "The less the two overlap, the better a threshold works. Positives in two humps: two kinds of queries.",
        ),
    ]
    rows = [
        ["measure", "value"],
        ["positives", f"{auc.roc.positives:,}"],
        ["hard negatives", f"{auc.roc.negatives:,}"],
        ["pooled AUC", f"{auc.pooled:.4f}"],
        ["mean AUC inside a query", f"{auc.per_query:.4f}"],
        ["calibration gap (inside less pooled)", f"{auc.calibration_gap:.4f}"],
        ["positives accepted at 1 % of the negatives", f"{auc.tpr_at_1:.4f}"],
        ["positives accepted at 5 % of the negatives", f"{auc.tpr_at_5:.4f}"],
        ["threshold of best F1", f"{threshold.value:.4g}"],
        ["its precision", f"{threshold.precision:.4f}"],
        ["its recall", f"{threshold.recall:.4f}"],
        ["its F1", f"{threshold.f1:.4f}"],
    ]
    useless = threshold.precision <= 1.05 * auc.roc.positives / (auc.roc.positives + auc.roc.negatives)
    verdict = " It accepts nearly everything: no threshold tells positives from the hardest." if useless else ""
    chosen = paragraph(f"The threshold was chosen on {found.threshold_from}.{verdict}", "quiet")
    return Section("scores", "Scores and thresholds", paragraph(note) + grid(shown) + table(rows) + chosen)


def _hubs(outcome: Outcome) -> Section:
    found = outcome.diagnostics
    hubness, relevant = found.hubness, outcome.comparison.rankings[MODEL].relevant
    relevant_N = np.bincount(relevant.values_V, minlength=len(outcome.dataset.items)).astype(np.int64)
    drawn = inline(pictures.hubs(hubness.occurrence_N, relevant_N, K), "hubs", "Distribution of the k-occurrence")
    caption = (
        "Both lines alike: items are shown as often as they are wanted. The model's line far above at the left: hubs "
        "crowd out the rest. Where it ends, no query is shown any further item."
    )
    rows = [
        ["measure", "value"],
        [f"skewness of the {K}-occurrence", f"{hubness.skew:.2f}"],
        ["skewness of the relevant items", f"{found.relevant_skew:.2f}"],
        ["items that no query is shown", f"{hubness.never:.1%}"],
        ["most frequent hub", ItemNames(outcome)[hubness.hub]],
        ["queries that are shown it", f"{hubness.hub_share:.1%}"],
    ]
    return Section("hubs", "Hubs", grid([picture(drawn, caption), table(rows)]))


def _map(outcome: Outcome) -> Section:
    found = outcome.diagnostics.map
    note = (
        f"{len(found.item_M):,} items on the two strongest principal components, which hold {found.explained:.0%} of "
        f"the variance. Mean cosine of two items {found.mean_cosine:.3f} (near 1: collapsed); the embeddings use "
        f"{found.used_dimensions:.1f} of {outcome.config.dimension} dimensions."
    )
    shown = [
        picture(
            inline(
                pictures.map_by_count(found, outcome.diagnostics.count_N), "map-count", "Embedding by training count"
            ),
            "Rare items in a heap of their own: the model knows them by their rarity, not by what they are.",
        )
    ]
    if (values := attribute(outcome)) is not None:
        drawn = pictures.map_by_attribute(found, *values)
        caption = f"Items of the same {values[0]} should lie near each other if queries care for it."
        shown.append(picture(inline(drawn, "map-attribute", f"Embedding by {values[0]}"), caption))
    return Section("map", "Embedding map", paragraph(note) + grid(shown))


def _neighbours(outcome: Outcome, names: ItemNames) -> Section:
    note = (
        f"The {NEIGHBOURS} nearest items of a few, from the most frequent to the rarest. They should be what a person "
        "would put beside them."
    )
    return Section("neighbours", "Nearest neighbours", paragraph(note) + grid(neighbour_cards(outcome, names), "cards"))


def _queries(outcome: Outcome, names: ItemNames) -> Section:
    note = "Test queries, from the best served to the worst. ✓ marks a relevant item."
    return Section("queries", "Example queries", paragraph(note) + grid(query_cards(outcome, names), "cards"))


def _data(outcome: Outcome) -> Section:
    rows = [["rows", "number"], *([name.replace("_", " "), f"{n:,}"] for name, n in outcome.counts().items())]
    return Section("data", "Data", paragraph("What was read, what was dropped, and where the rest went.") + table(rows))


def _configuration(outcome: Outcome) -> Section:
    settings = escape(outcome.config.model_dump_json(indent=2))
    body = f"<details><summary>Every setting of the run</summary><pre>{settings}</pre></details>"
    return Section("configuration", "Configuration", body)
