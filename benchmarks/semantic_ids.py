"""Semantic IDs: quantizers, alignment, use as features, complements, stability and cost, each beside its baselines.

python -m benchmarks.semantic_ids --data FOLDER [--seeds 3] [--only PART ...] [--quick]
"""

from collections.abc import Mapping

from benchmarks.parts import Part, run_parts
from benchmarks.semantic_id_parts.alignment import ALIGNMENT
from benchmarks.semantic_id_parts.cold_items import COLD_ITEMS
from benchmarks.semantic_id_parts.complements import COMPLEMENTS
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
OPENING = (
    "Every quantizer and every use of semantic IDs beside its baselines; costs are CPU time, or ratios in one run."
)

if __name__ == "__main__":
    run_parts("semantic-ids", __doc__, PARTS, OPENING)
