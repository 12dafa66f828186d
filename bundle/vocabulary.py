"""Vocabularies: values to embedding rows, with hashed rows for what training never saw."""

import zlib
from collections import Counter
from collections.abc import Iterable, Sequence

import orjson
from pydantic import Field

from bundle.config import Config
from bundle.errors import BundleCorrupt

MISSING = 0


class VocabularyData(Config):
    """A vocabulary as it stands on disk."""

    oov_buckets: int = Field(ge=1, description="Rows for values outside the vocabulary.")
    values: tuple[str, ...] = Field(description="Known values, most frequent first.")


class Vocabulary:
    """Maps a value to a row: 0 missing, then `oov_buckets` hashed rows, then one row a known value."""

    def __init__(self, values: Sequence[str], oov_buckets: int = 1) -> None:
        self.values = tuple(values)
        self.oov_buckets = oov_buckets
        first = 1 + oov_buckets
        self._rows = {value: first + i for i, value in enumerate(self.values)}

    @classmethod
    def fit(cls, values: Iterable[str], oov_buckets: int = 1, min_count: int = 1) -> "Vocabulary":
        """Keep the values seen at least `min_count` times, most frequent first, ties by value."""
        counts = Counter(values)
        kept = sorted((v for v, n in counts.items() if n >= min_count), key=lambda v: (-counts[v], v))
        return cls(kept, oov_buckets)

    @property
    def size(self) -> int:
        """Rows that an embedding table needs."""
        return 1 + self.oov_buckets + len(self.values)

    def index(self, value: str) -> int:
        """Row of `value`; a value that is not known shares a row by CRC-32, the same in every process."""
        row = self._rows.get(value)
        return row if row is not None else 1 + zlib.crc32(value.encode()) % self.oov_buckets

    def to_json(self) -> bytes:
        """The vocabulary as it stands on disk."""
        return orjson.dumps({"oov_buckets": self.oov_buckets, "values": self.values})

    @classmethod
    def from_json(cls, data: bytes, source: str) -> "Vocabulary":
        """Read back `to_json`; raises BundleCorrupt that names `source`."""
        try:
            stored = VocabularyData.model_validate_json(data)
        except ValueError as error:
            raise BundleCorrupt(f"{source} is not a vocabulary: {error}", file=source) from error
        return cls(stored.values, stored.oov_buckets)
