"""What a run warns of, in its report."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What is odd, and in `detail` the numbers and what to try."""

    title: str
    detail: str
