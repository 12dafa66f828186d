"""What every source gives: pairs of item and query text, made for the items that have a text."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bundle.config import Config
from bundle.progress import NoProgress, Progress
from training.synthetic_queries.pairs import Pair
from training.synthetic_queries.texts import ItemTexts


@dataclass(frozen=True)
class Surroundings:
    """What a source runs in: `base` is where relative paths count from, `journal` where answers are kept.

    `resume` goes on from a journal. `environment` holds the variables that a key is read from; nothing of it is
    written anywhere.
    """

    base: Path
    journal: Path
    resume: bool = False
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    progress: Progress = field(default_factory=NoProgress)


@dataclass(frozen=True)
class Made:
    """The pairs of a source in the order of the items, and counts of what happened on the way."""

    pairs: list[Pair]
    counts: dict[str, float] = field(default_factory=dict)


class SourceSettings(Config):
    """Base of the settings of a source. Equal settings and items give the same pairs, but where an endpoint samples."""

    def make(self, items: ItemTexts, surroundings: Surroundings) -> Made:
        """Pairs for items of `items`, each with a text that is not empty; raises RetrievalError."""
        raise NotImplementedError
