"""Index versions: kinds, filters, hubness, lexical and hybrid search, cross-encoder search, each beside its baselines.

python -m benchmarks.index --data FOLDER [--seeds 3] [--only PART ...] [--quick | --full]
"""

from collections.abc import Mapping

from benchmarks.index_parts.filters import FILTERS
from benchmarks.index_parts.hubness import HUBNESS
from benchmarks.index_parts.hybrid import HYBRID
from benchmarks.index_parts.kinds import KINDS
from benchmarks.index_parts.rebuild import REBUILD
from benchmarks.index_parts.set_operations import SET_OPERATIONS
from benchmarks.parts import Part, run_parts

PARTS: Mapping[str, Part] = {
    "kinds": KINDS,
    "filters": FILTERS,
    "hubness": HUBNESS,
    "hybrid": HYBRID,
    "rebuild": REBUILD,
    "set-operations": SET_OPERATIONS,
}
OPENING = "Every first stage of a search beside its baselines; costs are CPU time on one thread, or ratios in one run."

if __name__ == "__main__":
    run_parts("index", __doc__, PARTS, OPENING)
