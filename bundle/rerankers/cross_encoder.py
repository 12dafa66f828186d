"""The cross-encoder as served: one graph over the tokens of query text and item text in one row.

M items, T tokens of a pair.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bundle.columns import batches_of_like_length
from bundle.config import Config
from bundle.errors import BundleCorrupt, InvalidRecord
from bundle.features import FeatureName
from bundle.featurize import Record
from bundle.session import OnnxSession, SessionConfig
from bundle.tokens import TextTokenizer

FILE = "cross_encoder.onnx"
TOKENS, PARTS, SCORE = "tokens", "parts", "score"
# Small batches: on a processor the scores of many pairs at once are no cheaper, and padding is.
_PAIRS_A_BATCH, _VALUES_A_BATCH = 32, 4096


class CrossEncoderSpec(Config):
    """What a cross-encoder reads, as the bundle's manifest says it."""

    kind: Literal["cross_encoder"] = "cross_encoder"
    tokenizer: FeatureName = Field(description="Name of the tokenizer file.")
    query_columns: tuple[str, ...] = Field(min_length=1, description="Text fields of a query, joined by a space.")
    item_columns: tuple[str, ...] = Field(min_length=1, description="Text fields of an item, joined by a space.")
    max_tokens: int = Field(ge=8, description="Tokens of a pair; of two long texts the longer is cut.")

    def open(self, folder: Path, tokenizer: TextTokenizer, session: SessionConfig) -> "CrossEncoderReranker":
        """The reranker whose graph lies in `folder`; raises BundleCorrupt or ProviderUnavailable."""
        return CrossEncoderReranker(self, OnnxSession(folder / FILE, session), tokenizer, folder / FILE)


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

    def score(self, query: Record, items: Sequence[Record]) -> NDArray[np.float32]:
        """Scores float32 [M]; pairs of like length share a batch. Raises InvalidRecord for a field that is no text."""
        self.check_query(query)
        text = joined_text(query, self.query_columns)
        tokens = self._tokens([(text, joined_text(item, self.item_columns)) for item in items])
        length_M = (tokens.token_NT > 0).sum(axis=1)
        scores_M = np.empty(len(items), dtype=np.float32)
        for rows in batches_of_like_length(length_M, _PAIRS_A_BATCH, _VALUES_A_BATCH):
            width = length_M[rows].max()
            arrays = {TOKENS: tokens.token_NT[rows, :width], PARTS: tokens.part_NT[rows, :width]}
            scores_M[rows] = self._session.run(arrays)[0]
        return scores_M

    def warm_up(self) -> None:
        """Run the graph on a few batch sizes."""
        self._session.warm_up()


def joined_text(record: Record, columns: Sequence[str]) -> str:
    """The values of these fields joined by a space, without those that are missing; raises InvalidRecord for a list."""
    values = [record[name] for name in columns if record.get(name) is not None]
    for value in values:
        if not isinstance(value, str | int | float):
            raise InvalidRecord(
                f"the cross-encoder reads text, but one of {', '.join(columns)} is {type(value).__name__}"
            )
    return " ".join(map(str, values))
