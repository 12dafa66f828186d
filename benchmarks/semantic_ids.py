"""Semantic IDs: quantizers, alignment, use as features, complements, stability and cost, each beside its baselines.

python -m benchmarks.semantic_ids --data FOLDER [--seeds 3] [--only PART ...] [--quick]
"""

import argparse
import tempfile
from collections.abc import Mapping
from inspect import cleandoc
from pathlib import Path

from benchmarks.report import add_rows
from benchmarks.semantic_id_parts.alignment import ALIGNMENT
from benchmarks.semantic_id_parts.cold_items import COLD_ITEMS
from benchmarks.semantic_id_parts.complements import COMPLEMENTS
from benchmarks.semantic_id_parts.contract import Budget, Part
from benchmarks.semantic_id_parts.item_graph import ITEM_GRAPH
from benchmarks.semantic_id_parts.quantizers import EVERY_QUANTIZER
from benchmarks.semantic_id_parts.served import SERVED
from benchmarks.semantic_id_parts.stability import STABILITY

PARTS: Mapping[str, Part] = {
    "quantizers": EVERY_QUANTIZER,
    "alignment": ALIGNMENT,
    "stability": STABILITY,
    "served": SERVED,
    "cold-items": COLD_ITEMS,
    "complements": COMPLEMENTS,
    "item-graph": ITEM_GRAPH,
}
PREAMBLE = "\n\n".join(
    [
        "Every quantizer and every use of semantic IDs beside its baselines; costs are CPU time, or ratios in one run.",
        *(f"**{name}**: {cleandoc(part.protocol)}" for name, part in PARTS.items()),
    ]
)


def main() -> None:
    """Measure, and add the rows of each part to docs/benchmarks/semantic-ids.json and .md when it is done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with debian-packages.parquet")
    parser.add_argument("--cache", type=Path, default=None, help="folder that keeps computed text vectors")
    parser.add_argument("--seeds", type=int, default=3, help="trainings a method")
    parser.add_argument("--only", nargs="*", choices=PARTS, help="parts to run; their rows replace those in the table")
    parser.add_argument("--quick", action="store_true", help="one seed, the least data, nothing written")
    arguments = parser.parse_args()
    cache = arguments.cache or Path(tempfile.gettempdir()) / "tandem-benchmark-vectors"
    budget = Budget(arguments.data, cache, 1 if arguments.quick else arguments.seeds, arguments.quick)
    for name in arguments.only or PARTS:
        rows = PARTS[name].measure(budget)
        if arguments.quick:
            for row in rows:
                print(f"{row.task:<24} {row.method:<34} {row.metric:<24} {row.value:.4f}")
        elif rows:
            print(f"wrote {add_rows('semantic-ids', rows, PREAMBLE)}", flush=True)


if __name__ == "__main__":
    main()
