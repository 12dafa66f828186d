"""How far estimates can be trusted: from judges and few gold labels, and from logs of another ranking.

python -m benchmarks.evaluation --data FOLDER [--only PART ...] [--quick]
"""

from collections.abc import Mapping

from benchmarks.evaluation_parts.judged import JUDGED
from benchmarks.evaluation_parts.off_policy import OFF_POLICY
from benchmarks.parts import Part, run_parts

PARTS: Mapping[str, Part] = {"judged": JUDGED, "off-policy": OFF_POLICY}
OPENING = "Estimates beside the truth, where the truth is known, and beside another implementation."

if __name__ == "__main__":
    run_parts("evaluation", __doc__, PARTS, OPENING)
