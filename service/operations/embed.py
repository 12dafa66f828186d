"""Records to embeddings. B records, D embedding width."""

from binascii import b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bundle.featurize import Record
from service.batching import Outcome
from service.operations.cut import cut
from service.operations.joined import FloatArray, OnLoaded, embed_joined
from service.stages import Stages


@dataclass(frozen=True)
class Embed(OnLoaded):
    """Embeds the records of joined requests with one tower; payload: the request's records."""

    tower: Literal["query", "item"]
    encoding_format: Literal["float", "base64", "raw"]
    width: int

    def tokens(self, payload: Sequence[Record], records: int) -> int:
        """What the tower is to read, about."""
        return self.loaded.tower(self.tower).guess_tokens(payload)

    def run(self, payloads: Sequence[Sequence[Record]], stages: Stages) -> list[Outcome]:
        """The answer to every request."""
        parts = embed_joined(self.loaded.tower(self.tower), payloads, stages)
        answers: list[Outcome] = [part if isinstance(part, Exception) else self._answer(part) for part in parts]
        stages.mark("write")
        return answers

    def _answer(self, embedding_BD: FloatArray) -> bytes:
        cut_BW = cut(embedding_BD, self.width, self.loaded.bundle.manifest.metric)
        if self.encoding_format == "raw":
            return cut_BW.astype("<f4", copy=False).tobytes()
        embeddings = base64_rows(cut_BW) if self.encoding_format == "base64" else np.ascontiguousarray(cut_BW)
        return self.answer(dimension=self.width, embeddings=embeddings)


def base64_rows(embedding_BD: FloatArray) -> list[str]:
    """Every row as base64 of little-endian float32."""
    rows_BD = np.ascontiguousarray(embedding_BD, dtype="<f4")
    return [b2a_base64(row, newline=False).decode("ascii") for row in rows_BD]
