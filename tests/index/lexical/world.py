"""A lexical index over texts, written and opened as a build does."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from bundle.features import FeatureSpec, TextFeature
from bundle.items import Items
from bundle.progress import NoProgress
from index.lexical.bm25 import Bm25, open_bm25
from index.lexical.build import LexicalConfig, write_lexical
from index.manifest import LexicalReport

WORDS = ("red", "blue", "mug", "lamp", "glass", "wood", "old", "new")
FEATURES = FeatureSpec(query=(TextFeature(name="text"),), item=(TextFeature(name="text"),))


def write(folder: Path, texts: Sequence[str | None], **config: Any) -> LexicalReport:
    """Write the index of one column of texts."""
    table = pa.table({"item_id": [f"i{row:03d}" for row in range(len(texts))], "text": pa.array(texts, pa.string())})
    return write_lexical(folder, Items(table, "items"), LexicalConfig(**config), FEATURES, NoProgress())


def index(folder: Path, texts: Sequence[str | None], **config: Any) -> Bm25:
    """The index of one column of texts, mapped."""
    write(folder, texts, **config)
    return open_bm25(folder, len(texts), mmap=True)


def texts(count: int, seed: int = 0) -> list[str]:
    """Texts of one to four words."""
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(1, 5))) for _ in range(count)]
