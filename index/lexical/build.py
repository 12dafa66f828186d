"""A catalogue's texts become the postings of a lexical index, beside the dense one.

N items, T words of the whole corpus, V different words.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import bm25s
import numpy as np
import pyarrow as pa
from bm25s import stopwords
from bm25s.tokenization import Tokenized
from numpy.typing import NDArray
from pydantic import Field

from bundle.config import Config
from bundle.errors import ConfigError
from bundle.features import Feature, FeatureSpec, TextFeature, TokensFeature
from bundle.items import Items
from bundle.progress import Progress
from index.arrow_file import write_arrow
from index.lexical.bm25 import OFFSETS_FILE, ROWS_FILE, SHARES_FILE, WORDS_FILE
from index.lexical.terms import terms
from index.manifest import LexicalReport
from index.mapped_strings import string_table

READ_BATCH = 8_192
STOP_WORDS: Mapping[str, Sequence[str]] = {
    "none": (),
    "da": stopwords.STOPWORDS_DANISH,
    "de": stopwords.STOPWORDS_GERMAN,
    "en": stopwords.STOPWORDS_EN,
    "es": stopwords.STOPWORDS_SPANISH,
    "fr": stopwords.STOPWORDS_FRENCH,
    "it": stopwords.STOPWORDS_ITALIAN,
    "nl": stopwords.STOPWORDS_DUTCH,
    "no": stopwords.STOPWORDS_NORWEGIAN,
    "pt": stopwords.STOPWORDS_PORTUGUESE,
    "ru": stopwords.STOPWORDS_RUSSIAN,
    "sv": stopwords.STOPWORDS_SWEDISH,
    "tr": stopwords.STOPWORDS_TURKISH,
}


class LexicalConfig(Config):
    """A BM25 index over text columns, so that a search may ask by words too."""

    fields: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="Text columns of the items table whose words are found, as one text; those that the item tower "
        "reads if not given.",
    )
    query_fields: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="Fields of a query record whose words are looked up; the texts that the query tower reads if not "
        "given. A field that the tower does not know is for the words alone.",
    )
    stop_words: Literal["none", "da", "de", "en", "es", "fr", "it", "nl", "no", "pt", "ru", "sv", "tr"] = Field(
        default="en", description="Language whose most common words are left out; 'none' keeps all words."
    )
    k1: float = Field(default=1.5, ge=0, le=100, description="How much more repeats of a word count; 0: not at all.")
    b: float = Field(default=0.75, ge=0, le=1, description="How much long texts are held back; 0: not at all.")

    def check(self, items: Items, features: FeatureSpec) -> None:
        """Raise ConfigError, before anything is computed, where the fields cannot be read."""
        _columns(items, self.item_fields(features.item))
        self.record_fields(features.query)

    def item_fields(self, features: Sequence[Feature]) -> list[str]:
        """The columns that are read, where `features` are those of the item tower; raises ConfigError."""
        return list(self.fields or _texts(features, "item", "fields"))

    def record_fields(self, features: Sequence[Feature]) -> list[str]:
        """The fields of query records, where `features` are those of the query tower; raises ConfigError."""
        return list(self.query_fields or _texts(features, "query", "query_fields"))


def write_lexical(
    folder: Path, items: Items, config: LexicalConfig, features: FeatureSpec, progress: Progress
) -> LexicalReport:
    """Write the postings of a catalogue into `folder`; `features` are the bundle's. Raises ConfigError."""
    fields, query_fields = config.item_fields(features.item), config.record_fields(features.query)
    progress.start("index words", len(items))
    corpus, vocabulary = _read(_columns(items, fields), STOP_WORDS[config.stop_words], progress)
    progress.finish()
    if not vocabulary:
        raise ConfigError(f"no word stands in {', '.join(fields)} of {items.source}; name other lexical.fields")
    retriever = bm25s.BM25(k1=config.k1, b=config.b, method="lucene")
    numbered = {word: number for number, word in enumerate(vocabulary)}
    retriever.index(Tokenized(corpus, numbered), create_empty_token=False, show_progress=False)
    folder.mkdir()
    write_arrow(folder / WORDS_FILE, string_table(pa.chunked_array([vocabulary], pa.large_string()), "word"))
    arrays = {OFFSETS_FILE: ("indptr", np.int64), ROWS_FILE: ("indices", np.int32), SHARES_FILE: ("data", np.float32)}
    for name, (key, kind) in arrays.items():
        np.save(folder / name, np.asarray(retriever.scores[key], dtype=kind), allow_pickle=False)
    return LexicalReport(
        fields=tuple(fields),
        query_fields=tuple(query_fields),
        stop_words=config.stop_words,
        k1=config.k1,
        b=config.b,
        n_words=len(vocabulary),
        n_postings=len(retriever.scores["data"]),
        n_without_words=int((np.diff(corpus.offset_N1) == 0).sum()),
    )


class _Corpus:
    """The word numbers of every item, 4 bytes each; bm25s reads them item by item, several times."""

    def __init__(self, word_T: NDArray[np.int32], size_N: NDArray[np.int64]) -> None:
        self._word_T = word_T
        self.offset_N1 = np.concatenate([[0], np.cumsum(size_N)])

    def __len__(self) -> int:
        return len(self.offset_N1) - 1

    def __iter__(self) -> Iterator[list[int]]:
        for start, stop in zip(self.offset_N1[:-1], self.offset_N1[1:], strict=True):
            yield self._word_T[start:stop].tolist()


def _read(
    columns: Sequence[pa.ChunkedArray], stop_words: Sequence[str], progress: Progress
) -> tuple[_Corpus, list[str]]:
    """The words of all items, and the vocabulary in the order of the alphabet, by which words are numbered."""
    left_out = {term for word in stop_words for term in terms(word)}
    numbers: dict[str, int] = {}
    parts: list[NDArray[np.int32]] = []
    sizes: list[int] = []
    for start in range(0, len(columns[0]), READ_BATCH):
        batch = zip(*(column.slice(start, READ_BATCH).to_pylist() for column in columns), strict=True)
        found = [[word for word in terms("\n".join(filter(None, texts))) if word not in left_out] for texts in batch]
        sizes += map(len, found)
        words = (numbers.setdefault(word, len(numbers)) for one in found for word in one)
        parts.append(np.fromiter(words, dtype=np.int32))
        progress.advance(len(found))
    vocabulary = sorted(numbers)
    renumbered_V = np.empty(len(numbers), dtype=np.int32)
    renumbered_V[[numbers[word] for word in vocabulary]] = np.arange(len(numbers), dtype=np.int32)
    word_T = np.concatenate(parts)
    return _Corpus(renumbered_V[word_T], np.array(sizes, dtype=np.int64)), vocabulary


def _columns(items: Items, fields: Sequence[str]) -> list[pa.ChunkedArray]:
    columns = []
    for name in fields:
        if name not in items.table.column_names:
            has = ", ".join(items.table.column_names)
            raise ConfigError(f"lexical.fields names '{name}', which is no column of {items.source}; it has: {has}")
        column = items.table[name]
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            raise ConfigError(
                f"lexical.fields names '{name}', but that column of {items.source} is {column.type}; only texts have "
                "words"
            )
        columns.append(column)
    return columns


def _texts(features: Sequence[Feature], tower: str, setting: str) -> list[str]:
    names = [feature.name for feature in features if isinstance(feature, TextFeature | TokensFeature)]
    if not names:
        raise ConfigError(f"the {tower} tower of the bundle reads no text; name the fields in lexical.{setting}")
    return names
