"""Items in, synthetic pairs out: texts, source, filters, table. The line of `tandem synthetic-queries`."""

from dataclasses import dataclass
from pathlib import Path

from bundle.errors import ConfigError
from training.dataset import Dataset
from training.errors import BadData
from training.splits import Split
from training.synthetic_queries.config import SyntheticQueriesConfig
from training.synthetic_queries.filters import apply_filters
from training.synthetic_queries.leaks import query_texts
from training.synthetic_queries.pairs import Pair, write_pairs
from training.synthetic_queries.similarity import Encode, char_grams
from training.synthetic_queries.sources import Surroundings
from training.synthetic_queries.texts import item_texts


@dataclass(frozen=True)
class Generated:
    """The kept pairs, and what was read, made, paid and dropped, by name."""

    pairs: list[Pair]
    counts: dict[str, float]


def generate(
    config: SyntheticQueriesConfig,
    dataset: Dataset,
    split: Split,
    feature: str,
    surroundings: Surroundings,
    encode: Encode = char_grams,
) -> Generated:
    """Make and filter pairs for the items of `dataset`; `feature` is the query feature that holds a query's text.

    `encode` turns texts into unit rows, by which near-duplicates are found. Raises RetrievalError.
    """
    query_texts(dataset, feature)  # before anything is paid for
    items = item_texts(dataset.items, config.text, config.title)
    made = config.source.make(items, surroundings)
    filtered = apply_filters(config.filters, made.pairs, items, dataset, split, feature, surroundings.progress, encode)
    counts: dict[str, float] = {
        "items": len(items),
        "items_without_text": items.without_text,
        **made.counts,
        "made": len(made.pairs),
        **{f"dropped_{name}": count for name, count in filtered.dropped.items()},
        "kept": len(filtered.pairs),
        "items_with_queries": len({pair.item_id for pair in filtered.pairs}),
    }
    return Generated(filtered.pairs, counts)


def generate_table(
    config: SyntheticQueriesConfig,
    dataset: Dataset,
    split: Split,
    feature: str,
    surroundings: Surroundings,
    output: Path,
) -> Generated:
    """As `generate`, and write the table to `output` in one step; no table is written when anything fails.

    Raises BadData when no pair is left, and what `check_output` raises.
    """
    check_output(output)
    generated = generate(config, dataset, split, feature, surroundings)
    if not generated.pairs:
        dropped = ", ".join(f"{name} {count:g}" for name, count in generated.counts.items())
        raise BadData(f"no synthetic pair is left ({dropped}); change the source or the filters")
    write_pairs(output, generated.pairs, generated.counts)
    return generated


def check_output(output: Path) -> None:
    """Raise ConfigError unless `output` can be a new Parquet file."""
    if output.suffix != ".parquet":
        raise ConfigError(f"the output {output} must end in .parquet")
    if output.exists():
        raise ConfigError(f"{output} exists already; delete it, or choose another --output")


def journal_of(output: Path) -> Path:
    """Where the answers for a table are kept: beside it."""
    return output.with_suffix(".journal.jsonl")
