"""Requests for search by examples: checked, embedded and read as sets. M examples, R records, D embedding width."""

from collections.abc import Iterator, Sequence

import numpy as np

from bundle.errors import InvalidRecord
from bundle.featurize import Record
from index.example_sets import ExampleSet, example_set
from index.ranking import Queries
from index.searcher import check_queries
from index.version import IndexVersion
from service.errors import InvalidRequest
from service.loaded import Loaded
from service.operations.joined import FloatArray, each, embed_joined
from service.schemas.examples import Example, ExampleQuery
from service.stages import Stages

PARTS = ("all_of", "any_of", "none_of")


def count_examples(queries: Sequence[ExampleQuery]) -> int:
    """The number of examples of all queries."""
    return sum(len(getattr(query, name)) for query in queries for name in PARTS)


def check_examples(queries: Sequence[ExampleQuery]) -> None:
    """Raise InvalidRequest where a query says nothing or contradicts itself; compares all with all, so count first."""
    for position, query in enumerate(queries):
        if not query.all_of and not query.any_of:
            raise InvalidRequest(
                f"examples[{position}] has neither all_of nor any_of; give at least one example of what hits are like"
            )
        for name in ("all_of", "any_of"):
            both = [example for example in getattr(query, name) if example in query.none_of]
            if both:
                shown = repr(both[0]) if isinstance(both[0], str) else "the same record"
                raise InvalidRequest(f"examples[{position}] has {shown} both in {name} and in none_of")


def ask_by_examples(
    loaded: Loaded, payloads: Sequence[Sequence[ExampleQuery]], stages: Stages
) -> list[Queries | Exception]:
    """The sets of every payload; a payload at fault has its error in their place."""
    records = [[example for _, example in _placed(queries) if isinstance(example, dict)] for queries in payloads]
    embedded = iter(embed_joined(loaded.bundle.query, [some for some in records if some], stages))

    def read(payload: tuple[Sequence[ExampleQuery], Sequence[Record]]) -> Queries:
        queries, own_records = payload
        part = next(embedded) if own_records else np.empty((0, loaded.version.dimension), dtype=np.float32)
        if isinstance(part, InvalidRecord):
            raise _placed_error(part, queries)
        if isinstance(part, Exception):
            raise part
        vectors = iter(part)
        return Queries(sets=[_set(loaded.version, query, vectors, b) for b, query in enumerate(queries)])

    return each(list(zip(payloads, records, strict=True)), read)


def _set(version: IndexVersion, query: ExampleQuery, record_vectors: Iterator[FloatArray], b: int) -> ExampleSet:
    """One set; takes the vectors of its records, in their order, from those of the request."""
    examples = [example for _, example in _placed([query])]
    item_ids = [example for example in examples if isinstance(example, str)]
    item_vectors = iter(version.query_vectors(item_ids))
    found = [next(item_vectors if isinstance(example, str) else record_vectors) for example in examples]
    vectors_MD = check_queries(np.stack(found), version.dimension, version.manifest.metric)
    all_MD, any_MD, none_MD = np.split(vectors_MD, np.cumsum([len(query.all_of), len(query.any_of)]))
    return example_set(all_MD, any_MD, none_MD, version.ids.rows(item_ids), f"examples[{b}]")


def _placed(queries: Sequence[ExampleQuery]) -> Iterator[tuple[str, Example]]:
    """Every example with its place in the request."""
    for position, query in enumerate(queries):
        for name in PARTS:
            for i, example in enumerate(getattr(query, name)):
                yield f"examples[{position}].{name}[{i}]", example


def _placed_error(error: InvalidRecord, queries: Sequence[ExampleQuery]) -> InvalidRecord:
    """The error with the record's place in the request for its number among the records."""
    places = [place for place, example in _placed(queries) if isinstance(example, dict)]
    position = int(str(error.context["position"]))
    rest = error.message.removeprefix(f"record {position}")
    return InvalidRecord(places[position] + rest, **error.context)
