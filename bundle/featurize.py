"""The only code that turns a record into arrays: for training, for the index build and for a request alike."""

import copy
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from bundle.columns import Array, EncodedRecords
from bundle.encoders import BadValue, NumberStatistics, build_encoder
from bundle.errors import InvalidRecord
from bundle.features import Feature
from bundle.tokens import TextTokenizer
from bundle.vocabulary import Vocabulary

Record = Mapping[str, object]


class Featurizer:
    """Encodes the records of one tower; safe to call from many threads."""

    def __init__(
        self,
        features: Sequence[Feature],
        vocabularies: Mapping[str, Vocabulary],
        statistics: Mapping[str, NumberStatistics],
        tokenizers: Mapping[str, TextTokenizer] = MappingProxyType({}),
    ) -> None:
        self.features = tuple(features)
        self.names = tuple(feature.name for feature in features)
        self._known = frozenset(self.names)
        self._encoders = [(f.name, build_encoder(f, vocabularies, statistics, tokenizers)) for f in features]

    def only(self, names: Collection[str]) -> "Featurizer":
        """The same featurizer for some of its features, in their order."""
        part = copy.copy(self)
        part.features = tuple(feature for feature in self.features if feature.name in names)
        part.names = tuple(feature.name for feature in part.features)
        part._known = frozenset(part.names)
        part._encoders = [(name, encoder) for name, encoder in self._encoders if name in names]
        return part

    def encode(self, records: Sequence[Record]) -> EncodedRecords:
        """Encode records; fields that are no feature are left alone, absent fields are missing values.

        Raises InvalidRecord that names the record's position, counted from 0, and the feature.
        """
        columns = {}
        for name, encoder in self._encoders:
            try:
                columns[name] = encoder([record.get(name) for record in records])
            except BadValue as error:
                raise InvalidRecord(
                    f"record {error.position}, feature '{name}': {error}",
                    position=error.position,
                    feature=name,
                ) from error
        return EncodedRecords(columns, len(records))

    def __call__(self, records: Sequence[Record]) -> dict[str, Array]:
        """The padded arrays of `records`, by feature name."""
        return self.encode(records).batch()

    def check_request(self, records: Sequence[Record]) -> None:
        """Refuse what a caller surely did not mean: a field that is no feature, a record with no feature at all.

        Raises InvalidRecord.
        """
        for position, record in enumerate(records):
            unknown = record.keys() - self._known
            if unknown:
                listed = ", ".join(sorted(map(repr, unknown)))
                raise InvalidRecord(
                    f"record {position} has unknown fields {listed}; this tower reads: {', '.join(self.names)}",
                    position=position,
                )
            if not any(record.values()) and all(v is None or v == "" or v == [] for v in record.values()):
                raise InvalidRecord(
                    f"record {position} is empty; give at least one of: {', '.join(self.names)}",
                    position=position,
                )
