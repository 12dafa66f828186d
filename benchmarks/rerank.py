"""Second stages: what orders the candidates of a first stage again, what that gains and what it costs.

python -m benchmarks.rerank --data FOLDER [--cache FOLDER] [--seeds 3] [--only PART ...] [--quick | --full]
"""

from collections.abc import Mapping

from benchmarks.parts import Part, run_parts
from benchmarks.rerank_parts.online_retail import ONLINE_RETAIL
from benchmarks.rerank_parts.service import SERVICE
from benchmarks.rerank_parts.student import STUDENT
from benchmarks.rerank_parts.text import DEBIAN, MEDQUAD

PARTS: Mapping[str, Part] = {
    "debian": DEBIAN,
    "student": STUDENT,
    "medquad": MEDQUAD,
    "online-retail": ONLINE_RETAIL,
    "service": SERVICE,
}
OPENING = "What second stages make of a first stage's hits; costs are CPU time on one thread, or ratios in one run."

if __name__ == "__main__":
    run_parts("rerank", __doc__, PARTS, OPENING)
