"""Which part of a query record is looked up by its words, and which part its tower reads."""

from collections.abc import Collection, Sequence

from bundle.errors import InvalidRecord
from bundle.featurize import Record


class QueryText:
    """The text fields of query records, where the tower reads the fields `tower_fields`."""

    def __init__(self, fields: Sequence[str], tower_fields: Collection[str]) -> None:
        self._fields = tuple(fields)
        self._known = frozenset(fields) | frozenset(tower_fields)
        self._words_only = frozenset(fields) - frozenset(tower_fields)

    def check(self, records: Sequence[Record]) -> None:
        """Raise InvalidRecord, naming the position, unless every record has a text and no field is unknown."""
        for position, record in enumerate(records):
            unknown = record.keys() - self._known
            if unknown:
                listed = ", ".join(sorted(map(repr, unknown)))
                raise InvalidRecord(
                    f"record {position} has unknown fields {listed}; known are: {', '.join(sorted(self._known))}",
                    position=position,
                )
            for name in self._fields:
                if not isinstance(record.get(name), str | None):
                    raise InvalidRecord(
                        f"record {position}, field '{name}' must be a text to be searched by its words",
                        position=position,
                    )
            if not self.of(record).strip():
                raise InvalidRecord(
                    f"record {position} has no words; give a text as {' or '.join(self._fields)}, or search with mode "
                    "'dense'",
                    position=position,
                )

    def of(self, record: Record) -> str:
        """The texts of a checked record as one."""
        return "\n".join(str(record[name]) for name in self._fields if record.get(name))

    def for_tower(self, record: Record) -> Record:
        """The record without the fields that the tower does not know."""
        if self._words_only.isdisjoint(record):
            return record
        return {name: value for name, value in record.items() if name not in self._words_only}
