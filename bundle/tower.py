"""A tower as served: records in, embeddings out. B records, D embedding width."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bundle.columns import EncodedRecords, IntArray, RaggedColumn, batches_of_like_length
from bundle.errors import BundleCorrupt
from bundle.features import TokensFeature
from bundle.featurize import Featurizer, Record
from bundle.session import OnnxSession

FloatArray = npt.NDArray[np.float32]
CHARACTERS_A_TOKEN = 4  # of English text in word pieces, about
# Word pieces of one run, padding included. On one core MiniLM takes 0.24 ms a word piece in runs of 64 to 512 of them
# and 0.29 ms in one of 2,048, and any run takes as long as 10 of them by itself; a GPU is idle with so few.
RUN_TOKENS = {"cpu": 256, "cuda": 16_384}


class Tower:
    """A featurizer and the graph that reads its arrays."""

    def __init__(self, featurizer: Featurizer, session: OnnxSession, path: Path) -> None:
        """Join the two; raises BundleCorrupt when the graph's inputs are not the features."""
        unused = set(featurizer.names) ^ set(session.input_names)
        if unused:
            raise BundleCorrupt(
                f"{path} reads {', '.join(session.input_names)}, but the feature spec gives "
                f"{', '.join(featurizer.names)}; export the bundle again",
                file=path.name,
            )
        self.featurizer = featurizer
        self.session = session
        self.dimension = session.output_width()
        self._token_features = [f for f in featurizer.features if isinstance(f, TokensFeature)]

    def embed(self, records: Sequence[Record]) -> FloatArray:
        """Embeddings float32 [B, D] of `records`; raises InvalidRecord."""
        return self.embed_batch(self.featurizer(records))

    def embed_batch(self, arrays: Mapping[str, Any]) -> FloatArray:
        """Embeddings float32 [B, D] of featurized arrays."""
        embedding_BD: FloatArray = self.session.run(arrays)[0]
        return embedding_BD

    def embed_encoded(self, encoded: EncodedRecords) -> FloatArray:
        """Embeddings float32 [B, D] of encoded records, in runs of `RUN_TOKENS` word pieces at most.

        Records of like length share a run, so that a short text is not padded to the longest: a pretrained tower takes
        as long over padding as over text. A tower that reads no word pieces makes one run of everything.
        """
        if not self._token_features or len(encoded) == 1:
            return self.embed_batch(encoded.batch())
        length_B = self._lengths(encoded)
        batches = batches_of_like_length(length_B, len(encoded), RUN_TOKENS[self.session.device])
        if len(batches) == 1:
            return self.embed_batch(encoded.batch())
        embedding_BD = np.empty((len(encoded), self.dimension), dtype=np.float32)
        for row_R in batches:
            embedding_BD[row_R] = self.embed_batch(encoded.batch(row_R))
        return embedding_BD

    def guess_tokens(self, records: Sequence[Record]) -> int:
        """About how many word pieces the tower reads of `records`, from the length of their texts; 1 a record at least.

        A record counts 1 for a tower that reads no word pieces.
        """
        total = len(records)
        for feature in self._token_features:
            most = feature.max_tokens
            texts = [value for record in records if isinstance(value := record.get(feature.name), str)]
            total += sum([min(len(text) // CHARACTERS_A_TOKEN, most) for text in texts])
        return total

    def _lengths(self, encoded: EncodedRecords) -> IntArray:
        """Word pieces of each record, int64 [B], at least 1."""
        total_B = np.zeros(len(encoded), dtype=np.int64)
        for feature in self._token_features:
            column = encoded.columns[feature.name]
            if isinstance(column, RaggedColumn):
                total_B += np.diff(column.offsets_N1)
        return np.maximum(total_B, 1)
