"""The cross-encoder as served: one graph over the tokens of query text and item text in one row.

M items, R of them, T tokens of a pair.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bundle.columns import IntArray, batches_of_like_length
from bundle.config import Config
from bundle.errors import BundleCorrupt, InvalidRecord
from bundle.features import FeatureName
from bundle.featurize import Record
from bundle.rerankers.rate import WorkRate
from bundle.session import OnnxSession, SessionConfig
from bundle.tokens import PairTokens, TextTokenizer

TOKENS, PARTS, SCORE = "tokens", "parts", "score"
# Small batches: on a processor the scores of many pairs at once are no cheaper, and padding is.
_PAIRS_A_BATCH, _VALUES_A_BATCH = 32, 4096
_WARM_UP_PAIRS, _WARM_UP_RUNS = 2, 3


class CrossEncoderSpec(Config):
    """What a cross-encoder reads, as the bundle's manifest says it."""

    kind: Literal["cross_encoder"] = "cross_encoder"
    tokenizer: FeatureName = Field(description="Name of the tokenizer file.")
    query_columns: tuple[str, ...] = Field(min_length=1, description="Text fields of a query, joined by a space.")
    item_columns: tuple[str, ...] = Field(min_length=1, description="Text fields of an item, joined by a space.")
    max_tokens: int = Field(ge=8, description="Tokens of a pair; of two long texts the longer is cut.")

    def open(self, path: Path, tokenizer: TextTokenizer, session: SessionConfig) -> "CrossEncoderReranker":
        """The reranker whose graph lies at `path`; raises BundleCorrupt or ProviderUnavailable."""
        return CrossEncoderReranker(self, OnnxSession(path, session), tokenizer, path)


class CrossEncoderReranker:
    """Implements Reranker."""

    def __init__(self, spec: CrossEncoderSpec, session: OnnxSession, tokenizer: TextTokenizer, path: Path) -> None:
        if (session.input_names, session.output_names) != ((TOKENS, PARTS), (SCORE,)):
            raise BundleCorrupt(
                f"{path} reads {', '.join(session.input_names)}, but a cross-encoder reads {TOKENS} and {PARTS}; "
                "export the bundle again",
                file=path.name,
            )
        self._spec = spec
        self._session = session
        self._tokens = tokenizer.pairs(spec.max_tokens)
        self._rate = WorkRate()

    @property
    def query_columns(self) -> tuple[str, ...]:
        """Fields of a query record that it reads."""
        return self._spec.query_columns

    @property
    def item_columns(self) -> tuple[str, ...]:
        """Fields of an item record that it reads."""
        return self._spec.item_columns

    def check_query(self, query: Record) -> None:
        """Raise InvalidRecord for a query without any text."""
        if not joined_text(query, self.query_columns).strip():
            raise InvalidRecord(
                f"the query has no text for the cross-encoder; give at least one of: {', '.join(self.query_columns)}"
            )

    def pairs(self, query: Record, items: Sequence[Record]) -> "TextPairs":
        """The tokens of every pair; raises InvalidRecord for a query without text and for a field that is no text."""
        self.check_query(query)
        text = joined_text(query, self.query_columns)
        tokens = self._tokens([(text, joined_text(item, self.item_columns)) for item in items])
        return TextPairs(tokens, self._session, self._rate)

    def score(self, query: Record, items: Sequence[Record]) -> NDArray[np.float32]:
        """Scores float32 [M]; pairs of like length share a batch. Raises InvalidRecord as `pairs`."""
        return self.pairs(query, items).score(np.arange(len(items)))

    def warm_up(self) -> None:
        """Run the graph on a few batch sizes, and on pairs of half the greatest length to learn what they take."""
        self._session.warm_up()
        tokens_NT = np.ones((_WARM_UP_PAIRS, max(1, self._spec.max_tokens // 2)), dtype=np.int64)
        pairs = TextPairs(PairTokens(tokens_NT, np.zeros_like(tokens_NT)), self._session, self._rate)
        for _ in range(_WARM_UP_RUNS):
            pairs.score(np.arange(_WARM_UP_PAIRS))


class TextPairs:
    """Implements Pairs: tokens in, scores out. The unit of work is a token of a batch, padding too."""

    def __init__(self, tokens: PairTokens, session: OnnxSession, rate: WorkRate) -> None:
        self._tokens = tokens
        self._length_M: IntArray = (tokens.token_NT > 0).sum(axis=1)
        self._session = session
        self._rate = rate

    def score(self, place_R: IntArray) -> NDArray[np.float32]:
        """Scores float32 [R]; pairs of like length share a batch."""
        scores_R = np.empty(len(place_R), dtype=np.float32)
        for rows in self._batches(place_R):
            places, width = place_R[rows], self._length_M[place_R[rows]].max()
            arrays = {TOKENS: self._tokens.token_NT[places, :width], PARTS: self._tokens.part_NT[places, :width]}
            with self._rate.measured(len(rows) * int(width)):
                scores_R[rows] = self._session.run(arrays)[0]
        return scores_R

    def expected_s(self, place_R: IntArray) -> float | None:
        """Seconds for these pairs in the batches that `score` would make of them."""
        work = sum(len(rows) * int(self._length_M[place_R[rows]].max()) for rows in self._batches(place_R))
        return self._rate.seconds(work)

    def _batches(self, place_R: IntArray) -> list[IntArray]:
        return batches_of_like_length(self._length_M[place_R], _PAIRS_A_BATCH, _VALUES_A_BATCH)


def joined_text(record: Record, columns: Sequence[str]) -> str:
    """The values of these fields joined by a space, without those that are missing; raises InvalidRecord for a list."""
    values = [record[name] for name in columns if record.get(name) is not None]
    for value in values:
        if not isinstance(value, str | int | float):
            raise InvalidRecord(
                f"the cross-encoder reads text, but one of {', '.join(columns)} is {type(value).__name__}"
            )
    return " ".join(map(str, values))
