"""The model card: what the bundle was trained on, how well it does, and what it must not be used for."""

from collections.abc import Mapping, Sequence

from bundle.features import Feature
from bundle.hubness import K
from training.encoders.semantic_id import SemanticIdFeatureConfig
from training.outcome import Outcome
from training.quantized import Int8Cost
from training.semantic_ids import SemanticIds


def model_card(outcome: Outcome, int8: Int8Cost | None = None) -> str:
    """Markdown; the same run gives the same text, so it holds no date. `int8`: what quantizing the towers cost."""
    config, learned = outcome.config, outcome.learned
    sections = [
        f"# {config.collection}",
        f"A dual encoder of {config.dimension} dimensions, scored by {config.metric}. A query tower and an item tower "
        "embed records into one space; the nearest items answer a query." + _roles(outcome),
        "## Inputs",
        _features("Query tower", config.features.query),
        _features("Item tower", config.features.item),
        *_read_as_semantic_ids(config.semantic_id_features),
        "## Data",
        _table([["rows", "number"], *([name.replace("_", " "), str(n)] for name, n in outcome.counts().items())]),
        f"Split: `{config.split.kind}`. Vocabularies, number statistics and the text weights of queries come from the "
        "interactions trained on alone; the vocabulary `item_id` and the text weights of items see the whole "
        "catalogue, but no interaction.",
        "## Training",
        f"Objective `{config.objective.model_dump_json()}`, negatives `{config.negatives.kind}`, seed "
        f"{config.trainer.seed}, "
        + (f"{learned.best_epoch} epochs" if outcome.trained else "no epoch: the first weights, as they are")
        + (", then anew on train and validation." if learned.final_logs else "."),
        "## Test metrics",
        _table(outcome.metric_table()),
        "Every query ranks the whole catalogue"
        + (", without the items it had before." if config.evaluation.exclude_seen else ".")
        + " Baselines are fit on train and validation.",
        *_beyond_averages(outcome),
        *_int8(int8),
        *_semantic_ids(outcome),
        "## Limits",
        "The metrics hold for queries and items like those of the test part. Items and queries that training never saw "
        "are embedded from their other features only. Interactions carry the biases of whatever showed the items.",
    ]
    return "\n\n".join(sections) + "\n"


def _roles(outcome: Outcome) -> str:
    if outcome.dataset.queries_are == "queries":
        return ""
    return (
        " Queries are items: across the towers lie those that go with one, within the query tower those that go with "
        "the same."
    )


def _beyond_averages(outcome: Outcome) -> list[str]:
    found = outcome.diagnostics
    lines = [
        f"Recall@{found.band_k} by how often an item was trained on:",
        _table(outcome.band_table()),
        f"{found.hubness.never:.1%} of the items are among the first {K} hits of no test query; the most frequent is "
        f"among those of {found.hubness.hub_share:.1%} (skewness {found.hubness.skew:.1f}).",
    ]
    if found.auc is not None:
        lines.append(
            f"Pooled AUC of positives against each query's hardest negatives {found.auc.pooled:.4f}, mean of the "
            f"queries' own {found.auc.per_query:.4f}."
        )
    if found.threshold is not None:
        lines.append(
            f"One threshold for all queries, {found.threshold.value:.4g}, chosen on {found.threshold_from}: precision "
            f"{found.threshold.precision:.4f}, recall {found.threshold.recall:.4f}."
        )
    return ["## Behind the averages", *lines]


def _features(title: str, features: Sequence[Feature]) -> str:
    rows = [[f"`{f.name}`", f.kind, "yes" if f.required else "no"] for f in features]
    return f"{title}:\n\n" + _table([["feature", "kind", "required"], *rows])


def _read_as_semantic_ids(features: Mapping[str, SemanticIdFeatureConfig]) -> list[str]:
    if not features:
        return []
    rows = [[f"`{name}`", f"`{config.model_dump_json()}`"] for name, config in features.items()]
    return [
        "The towers read these vectors as semantic IDs, by quantizers fitted on the vectors of the interactions "
        "trained on:",
        _table([["feature", "settings"], *rows]),
    ]


def _int8(cost: Int8Cost | None) -> list[str]:
    if cost is None:
        return []
    names = [name for name in cost.before if name in cost.after]
    rows = [[name, f"{cost.before[name]:.4g}", f"{cost.after[name]:.4g}"] for name in names]
    near = ", ".join(f"{name.replace('_', ' ')} {value:.5f}" for name, value in cost.cosine.items())
    return [
        "## Towers in int8",
        "The served towers compute in 8 bits. The test part, measured before and after quantizing:",
        _table([["metric", "fp32", "int8"], *rows]),
        f"Cosine of the two embeddings of a record: {near}.",
    ]


def _semantic_ids(outcome: Outcome) -> list[str]:
    semantic_ids = outcome.semantic_ids
    if semantic_ids is None:
        return []
    sizes = " x ".join(map(str, semantic_ids.quantizer.codebook_sizes))
    rows = [[name, f"{value:.4g}"] for name, value in semantic_ids.metrics.items()]
    return [
        "## Semantic IDs",
        f"{sizes} codes. Items that share all codes are told apart by a suffix, their rank by item id.",
        *_churn(semantic_ids),
        _table([["metric", "value"], *rows]),
    ]


def _churn(semantic_ids: SemanticIds) -> list[str]:
    churn = semantic_ids.churn
    if churn is None:
        return []
    return [
        f"Of the catalogue's items {churn.changed[-1]:.1%} have another code than bundle `{churn.bundle_id}` gives "
        f"their record, {churn.changed[0]:.1%} another first code."
    ]


def _table(rows: Sequence[Sequence[str]]) -> str:
    header, *body = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([header, "| " + " | ".join("---" for _ in rows[0]) + " |", *body])
