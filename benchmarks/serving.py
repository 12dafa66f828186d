"""What serving costs: search by vectors and by text, embeddings, start, overload, swaps and hours of load.

python -m benchmarks.serving [--seeds 3] [--parts PART ...] [--cache FOLDER] [--quick] [--dry]
python -m benchmarks.serving --parts soak --soak-minutes 30
"""

import argparse
import os
from collections.abc import Mapping

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from benchmarks.parts import Part, run_parts
from benchmarks.serving_parts.embeddings import EMBEDDINGS
from benchmarks.serving_parts.overload import OVERLOAD
from benchmarks.serving_parts.soak import SOAK
from benchmarks.serving_parts.start import START
from benchmarks.serving_parts.swaps import SWAPS
from benchmarks.serving_parts.text_search import TEXT_SEARCH
from benchmarks.serving_parts.vector_search import VECTOR_SEARCH

PARTS: Mapping[str, Part] = {
    "vector-search": VECTOR_SEARCH,
    "text-search": TEXT_SEARCH,
    "embeddings": EMBEDDINGS,
    "start": START,
    "overload": OVERLOAD,
    "swaps": SWAPS,
    "soak": SOAK,
}
OPENING = """
The service beside the same work without it, in one run on one machine: server, client and bound share its cores. CPU
time is user and system time of the server's processes, which the clients' is not in; ratios are within the run.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """What only this benchmark is told."""
    parser.add_argument("--soak-minutes", type=int, default=0, help="how long the part soak runs; 0 leaves it out")


if __name__ == "__main__":
    run_parts("serving", __doc__, PARTS, OPENING, add_options)
