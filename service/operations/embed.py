"""Records to embeddings."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bundle.featurize import Record
from service.batching import Outcome, Stages
from service.operations.joined import FloatArray, OnLoaded, embed_joined


@dataclass(frozen=True)
class Embed(OnLoaded):
    """Embeds the records of joined requests with one tower; payload: the request's records."""

    tower: Literal["query", "item"]
    encoding_format: Literal["float", "base64"]

    def run(self, payloads: Sequence[Sequence[Record]], stages: Stages) -> list[Outcome]:
        """The answer to every request."""
        bundle = self.loaded.bundle
        tower = bundle.query if self.tower == "query" else bundle.item
        parts = embed_joined(tower, payloads, stages)
        answers: list[Outcome] = [part if isinstance(part, Exception) else self._answer(part) for part in parts]
        stages.mark("write")
        return answers

    def _answer(self, embedding_BD: FloatArray) -> bytes:
        embeddings: object = embedding_BD
        if self.encoding_format == "base64":
            embeddings = [base64.b64encode(row.astype("<f4").tobytes()).decode() for row in embedding_BD]
        return self.answer(dimension=self.loaded.version.dimension, embeddings=embeddings)
