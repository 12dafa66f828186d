"""What a look at the numbers would worry about, in plain words: each finding says what is odd and what to try."""

import math
from collections.abc import Callable, Iterator

from bundle.hubness import K
from training.compare import ITEM_KNN, MODEL, POPULARITY
from training.finding import Finding
from training.outcome import Outcome
from training.report.code_findings import code_findings

LARGE_GAP = 0.05
LARGE_SKEW = 3.0
FEW_PAIRS = 20
FEW_QUERIES = 100
COLLAPSED_COSINE = 0.9
COLLAPSED_DIMENSIONS = 2.0
DROPPED = 0.01
UNEVEN_GRADIENTS = 100.0
SKIPPED = 0.1


def findings(outcome: Outcome) -> list[Finding]:
    """All warnings of a run, the gravest first; none is good news, not proof."""
    return [finding for check in _CHECKS for finding in check(outcome) if outcome.trained or check not in _OF_TRAINING]


def _loss(outcome: Outcome) -> Iterator[Finding]:
    logs = outcome.learned.logs
    broken = [log.epoch for log in [*logs, *outcome.learned.final_logs] if not math.isfinite(log.loss)]
    if broken:
        yield Finding("The loss is not finite", f"It broke in epoch {broken[0]}. Lower trainer.learning_rate.")
    elif len(logs) > 1 and logs[-1].loss >= logs[0].loss:
        yield Finding(
            "The loss does not fall",
            f"It was {logs[0].loss:.4f} after the first epoch and {logs[-1].loss:.4f} after the last. Lower "
            "trainer.learning_rate, or check that the features say something about the items.",
        )


def _epochs(outcome: Outcome) -> Iterator[Finding]:
    logs, best, config = outcome.learned.logs, outcome.learned.best_epoch, outcome.config.trainer
    if not logs or not logs[0].metrics:
        return
    if best == len(logs) == config.epochs:
        yield Finding(
            "Training stopped before it was done",
            f"Validation {config.metric} was best in the last epoch, {best} of {config.epochs}. Raise trainer.epochs.",
        )
    elif best == 1 and len(logs) > 2:
        yield Finding(
            "Validation got worse from the start",
            f"{config.metric} was best after the first epoch. Lower trainer.learning_rate, or add dropout or "
            "weight_decay.",
        )


def _baselines(outcome: Outcome) -> Iterator[Finding]:
    metric, metrics = outcome.config.trainer.metric, outcome.comparison.metrics
    for method, name in ((POPULARITY, "Popularity"), (ITEM_KNN, "Item-kNN")):
        if metrics[method][metric] >= metrics[MODEL][metric]:
            yield Finding(
                f"{name} beats the model",
                f"Test {metric} is {metrics[method][metric]:.4f} against {metrics[MODEL][metric]:.4f}. Look at the "
                "curves first, then at the objective, its temperature and the negatives.",
            )


def _collapse(outcome: Outcome) -> Iterator[Finding]:
    found = outcome.diagnostics.map
    if found.mean_cosine > COLLAPSED_COSINE or found.used_dimensions < COLLAPSED_DIMENSIONS:
        yield Finding(
            "The embedding has collapsed",
            f"Two items have a mean cosine of {found.mean_cosine:.2f}, and the embeddings spread over "
            f"{found.used_dimensions:.1f} of {outcome.config.dimension} dimensions. Lower the temperature or the "
            "learning rate, or take more negatives.",
        )


def _calibration(outcome: Outcome) -> Iterator[Finding]:
    auc = outcome.diagnostics.auc
    if auc is not None and auc.calibration_gap > LARGE_GAP:
        yield Finding(
            "Scores of different queries cannot be compared",
            f"AUC inside a query is {auc.per_query:.3f}, over all queries together {auc.pooled:.3f}. Ranking is not "
            "hurt, a threshold on the score is. If you need one, add a mann_whitney objective.",
        )


def _rare(outcome: Outcome) -> Iterator[Finding]:
    found = outcome.diagnostics
    bands = found.bands[MODEL]
    lost = [band for band in bands if band.relevant >= FEW_PAIRS and band.hits == 0]
    if lost and any(band.hits for band in bands):
        yield Finding(
            "Rare items are never found",
            f"Recall@{found.band_k} is 0 for items trained on {' and '.join(band.label for band in lost)} times, which "
            f"{sum(band.relevant for band in lost):,} relevant pairs ask for. Give the item tower features that new "
            f"items have too{_or_logq(outcome)}.",
        )


def _hubs(outcome: Outcome) -> Iterator[Finding]:
    found = outcome.diagnostics
    hubness, n_items = found.hubness, len(outcome.dataset.items)
    if hubness.skew > LARGE_SKEW:
        yield Finding(
            "A few items are shown to everybody",
            f"The skewness of the k-occurrence is {hubness.skew:.1f} (the relevant items themselves have "
            f"{found.relevant_skew:.1f}), and the first hub is shown to {hubness.hub_share:.0%} of the queries. Raise "
            f"the temperature or take harder negatives{_or_logq(outcome)}.",
        )
    if hubness.never > 0.5 and hubness.n_queries * K >= 2 * n_items:
        yield Finding(
            "Most of the catalogue is never shown",
            f"{hubness.never:.0%} of the items are among the first {K} of no test query, though there are places for "
            f"every item {hubness.n_queries * K / n_items:.1f} times.",
        )


def _semantic_ids(outcome: Outcome) -> Iterator[Finding]:
    return code_findings(outcome.semantic_ids) if outcome.semantic_ids else iter(())


def _rerankers(outcome: Outcome) -> Iterator[Finding]:
    for reranking in outcome.rerankings:
        yield from reranking.trained.findings


def _or_logq(outcome: Outcome) -> str:
    """The advice to correct for popularity, where that is not done yet and negatives are sampled."""
    objective, negatives = outcome.config.objective, outcome.config.negatives
    if negatives.kind == "catalogue" or any(part.draw_correction != "none" for part in objective.parts):
        return ""
    return ", or correct for popularity (objective.logq)"


def _terms(outcome: Outcome) -> Iterator[Finding]:
    if not outcome.learned.logs:
        return
    logs = outcome.learned.logs[-1].logs
    norms = {name.removeprefix("gradient/"): value for name, value in logs.items() if name.startswith("gradient/")}
    if len(norms) > 1:
        strong, weak = max(norms, key=norms.__getitem__), min(norms, key=norms.__getitem__)
        if norms[strong] > UNEVEN_GRADIENTS * norms[weak]:
            yield Finding(
                "One objective drowns another",
                f"The gradient of {strong} has norm {norms[strong]:.3g}, that of {weak} {norms[weak]:.3g}. Change "
                "their weights.",
            )
    if logs.get("skipped", 0.0) > SKIPPED * outcome.config.trainer.batch_size:
        yield Finding(
            "Many examples teach nothing",
            f"{logs['skipped']:.0f} of {outcome.config.trainer.batch_size} queries of a batch had no target or no "
            "negative in the last epoch.",
        )


def _data(outcome: Outcome) -> Iterator[Finding]:
    counts = outcome.counts()
    dropped = sum(counts[name] for name in ("dropped_unknown_query", "dropped_unknown_item"))
    if dropped > DROPPED * counts["interactions_read"]:
        yield Finding(
            "Many interactions were dropped",
            f"{dropped:,} of {counts['interactions_read']:,} name a query or an item that its table does not have.",
        )
    measured = outcome.comparison.metrics[MODEL]
    if measured["queries"] < FEW_QUERIES:
        yield Finding(
            "Few test queries",
            f"All numbers rest on {measured['queries']:.0f} queries; differences of a few points may be chance.",
        )
    if measured["relevant_seen"] > measured["relevant"]:
        yield Finding(
            "Most test pairs are repeats",
            f"{measured['relevant_seen']:,.0f} relevant pairs were left out because the query had the item before, "
            f"{measured['relevant']:,.0f} are left. If your queries come back for the same items, set "
            "evaluation.exclude_seen = false.",
        )


_OF_TRAINING = (_loss, _epochs, _terms)
_CHECKS: tuple[Callable[[Outcome], Iterator[Finding]], ...] = (
    _loss,
    _baselines,
    _collapse,
    _epochs,
    _rare,
    _calibration,
    _hubs,
    _terms,
    _semantic_ids,
    _rerankers,
    _data,
)
