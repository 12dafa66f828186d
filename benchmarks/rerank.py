"""Rerankers: what a second reading of a first stage's hits gains, on which tasks, and what it costs.

python -m benchmarks.rerank --data FOLDER [--cache FOLDER] [--only PART ...] [--quick | --full]
"""

from collections.abc import Mapping

from benchmarks.parts import Part, run_parts
from benchmarks.rerank_parts.service import SERVICE

PARTS: Mapping[str, Part] = {"service": SERVICE}
OPENING = "First stages and what rerankers make of their hits; costs are CPU time on one thread, or ratios in one run."

if __name__ == "__main__":
    run_parts("rerank", __doc__, PARTS, OPENING)
