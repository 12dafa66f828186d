"""What a part of the semantic-ID benchmark gets and gives."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import Row


@dataclass(frozen=True)
class Budget:
    """How much is run. `data`: the folder of the benchmark data; `cache`: where computed vectors are kept."""

    data: Path
    cache: Path
    seeds: int
    quick: bool


@dataclass(frozen=True)
class Part:
    """One comparison: `protocol` is the paragraph that stands above its tables."""

    protocol: str
    measure: Callable[[Budget], list[Row]]
