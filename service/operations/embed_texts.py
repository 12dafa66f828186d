"""Texts to embeddings in the answer shape of another service. B texts, W width of the answer."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from bundle.featurize import Record
from service.batching import Outcome
from service.operations.cut import cut, unit_length
from service.operations.joined import FloatArray, OnLoaded, encode_joined, run_joined
from service.stages import Stages


class EmbeddingsShape(Hashable, Protocol):
    """How the embeddings of one request are written; requests of equal shape may be joined."""

    def write(self, embedding_BW: FloatArray, tokens: int) -> bytes:
        """The JSON of the answer; `tokens` is how many tokens the tower read."""


@dataclass(frozen=True)
class EmbedTexts(OnLoaded):
    """Embeds the texts of joined requests with one tower; payload: the request's texts.

    A token is what the tower reads: a word piece, special ones included, or a hashed word or n-gram.
    """

    tower: Literal["query", "item"]
    feature: str
    width: int
    normalize: bool
    shape: EmbeddingsShape

    def tokens(self, payload: Sequence[str], records: int) -> int:
        """What the tower is to read, about."""
        return self.loaded.tower(self.tower).guess_tokens(self._records(payload))

    def run(self, payloads: Sequence[Sequence[str]], stages: Stages) -> list[Outcome]:
        """The answer to every request."""
        tower = self.loaded.tower(self.tower)
        records = [self._records(texts) for texts in payloads]
        encoded = encode_joined(tower, records, stages)
        answers: list[Outcome] = []
        for part, embeddings in zip(encoded, run_joined(tower, encoded, stages), strict=True):
            if isinstance(part, Exception):
                answers.append(part)
            elif not isinstance(embeddings, Exception):
                answers.append(self._answer(embeddings, int(part.lengths().sum())))
        stages.mark("write")
        return answers

    def _records(self, texts: Sequence[str]) -> list[Record]:
        return [{self.feature: text} for text in texts]

    def _answer(self, embedding_BD: FloatArray, tokens: int) -> bytes:
        embedding_BW = cut(embedding_BD, self.width, self.loaded.bundle.manifest.metric)
        return self.shape.write(unit_length(embedding_BW) if self.normalize else embedding_BW, tokens)
