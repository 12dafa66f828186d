"""The model card: what the bundle was trained on, how well it does, and what it must not be used for."""

from collections.abc import Sequence

from bundle.features import Feature
from training.outcome import Outcome


def model_card(outcome: Outcome) -> str:
    """Markdown; the same run gives the same text, so it holds no date."""
    config, learned = outcome.config, outcome.learned
    sections = [
        f"# {config.collection}",
        f"A dual encoder of {config.dimension} dimensions, scored by {config.metric}. A query tower and an item tower "
        "embed records into one space; the nearest items answer a query.",
        "## Inputs",
        _features("Query tower", config.features.query),
        _features("Item tower", config.features.item),
        "## Data",
        _table([["rows", "number"], *([name.replace("_", " "), str(n)] for name, n in outcome.counts().items())]),
        f"Split: `{config.split.kind}`. Vocabularies, number statistics and the text weights of queries come from the "
        "interactions trained on alone; the vocabulary `item_id` and the text weights of items see the whole "
        "catalogue, but no interaction.",
        "## Training",
        f"Objective `{config.objective.model_dump_json()}`, negatives `{config.negatives.kind}`, seed "
        f"{config.trainer.seed}, "
        f"{learned.best_epoch} epochs" + (", then anew on train and validation." if learned.final_logs else "."),
        "## Test metrics",
        _table(outcome.metric_table()),
        "Every query ranks the whole catalogue"
        + (", without the items it had before." if config.evaluation.exclude_seen else ".")
        + " Baselines are fit on train and validation.",
        *_semantic_ids(outcome),
        "## Limits",
        "The metrics hold for queries and items like those of the test part. Items and queries that training never saw "
        "are embedded from their other features only. Interactions carry the biases of whatever showed the items.",
    ]
    return "\n\n".join(sections) + "\n"


def _features(title: str, features: Sequence[Feature]) -> str:
    rows = [[f"`{f.name}`", f.kind, "yes" if f.required else "no"] for f in features]
    return f"{title}:\n\n" + _table([["feature", "kind", "required"], *rows])


def _semantic_ids(outcome: Outcome) -> list[str]:
    semantic_ids = outcome.semantic_ids
    if semantic_ids is None:
        return []
    sizes = " x ".join(map(str, semantic_ids.quantizer.codebook_sizes))
    rows = [[name, f"{value:.4g}"] for name, value in semantic_ids.metrics.items()]
    return [
        "## Semantic IDs",
        f"{sizes} codes. Items that share all codes are told apart by a suffix, their rank by item id.",
        _table([["metric", "value"], *rows]),
    ]


def _table(rows: Sequence[Sequence[str]]) -> str:
    header, *body = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([header, "| " + " | ".join("---" for _ in rows[0]) + " |", *body])
