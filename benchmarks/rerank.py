"""Second stages: what orders the candidates of the towers again, each beside the towers alone.

python -m benchmarks.rerank --data FOLDER [--seeds 3] [--only PART ...] [--quick | --full]
"""

from collections.abc import Mapping

from benchmarks.parts import Part, run_parts
from benchmarks.rerank_parts.online_retail import ONLINE_RETAIL

PARTS: Mapping[str, Part] = {"online-retail": ONLINE_RETAIL}
OPENING = "Every second stage beside the first stage alone, over the same candidates; costs are CPU time on one thread."

if __name__ == "__main__":
    run_parts("rerank", __doc__, PARTS, OPENING)
