"""The part that the words of query records take in a search: alone, or joined with the embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass

from bundle.featurize import Record
from index.allowed_rows import AllowedRows
from index.fusion import Fusion
from index.hybrid import HybridRanker
from index.lexical.query_text import QueryText
from index.lexical.ranker import LexicalRanker
from index.ranking import Ranker
from index.role import Role
from service.loaded import Loaded


@dataclass(frozen=True)
class Words:
    """Searches by words and, where there is a fusion, by the embeddings of `dense` too."""

    fusion: Fusion | None

    def ranker(self, loaded: Loaded, dense: Ranker, role: Role, allowed: AllowedRows | None = None) -> Ranker:
        """What orders the corpus; `dense` ranks by the vectors of `role`. Raises LexicalNotServed."""
        lexical = LexicalRanker(loaded.version.words(), self._text(loaded), allowed)
        return lexical if self.fusion is None else HybridRanker(dense, lexical, role, self.fusion)

    def checked(self, loaded: Loaded, records: Sequence[Record]) -> Sequence[Record]:
        """The records, each of which has words; raises InvalidRecord."""
        self._text(loaded).check(records)
        return records

    def for_tower(self, loaded: Loaded, records: Sequence[Record]) -> Sequence[Record]:
        """The part of checked records that the query tower reads; raises InvalidRecord."""
        text = self._text(loaded)
        return [text.for_tower(record) for record in self.checked(loaded, records)]

    def _text(self, loaded: Loaded) -> QueryText:
        report = loaded.version.manifest.lexical
        fields = () if report is None else report.query_fields
        return QueryText(fields, loaded.bundle.query.featurizer.names)
