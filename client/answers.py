"""What the service answers, typed. Fields that a later service adds are passed over. B records, D width."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self, TypeVar

from client.vectors import FloatArray, from_base64

Json = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Served:
    """What every answer names: exactly what it was made with."""

    collection: str
    bundle_id: str
    index_version: str


@dataclass(frozen=True, eq=False)
class Embeddings(Served):
    """One embedding a record: float32 [B, D]."""

    vectors: FloatArray

    @classmethod
    def read(cls, body: Json) -> Self:
        """From JSON."""
        return cls(**_served(body), vectors=from_base64(body["embeddings"], body["dimension"]))


@dataclass(frozen=True)
class Hit:
    """One item that was found; what was not asked for is None."""

    item_id: str
    score: float
    attributes: Mapping[str, Any] | None = None
    semantic_id: str | None = None
    vector: list[float] | None = None
    reranked: bool | None = None
    """Whether `score` is that of the reranking and not of the first stage, with `rerank` by cross-encoder or blend."""


@dataclass(frozen=True)
class Degraded:
    """Why hits are not what was asked for: `failed`, `not_a_number` or `out_of_time`, and what can be done."""

    reason: str
    detail: str


@dataclass(frozen=True)
class HitGroup:
    """The hits below one prefix of their semantic IDs."""

    prefix: str
    hits: tuple[Hit, ...]


@dataclass(frozen=True)
class QueryResult:
    """The hits of one query, best first; groups in their place where `group_by` was given.

    `scored`: candidates that a reranking by cross-encoder or blend scored; `degraded`: why these are not all, or none.
    """

    exhaustive: bool
    hits: tuple[Hit, ...] = ()
    groups: tuple[HitGroup, ...] = ()
    scored: int | None = None
    degraded: Degraded | None = None


@dataclass(frozen=True)
class SearchAnswer(Served):
    """One result a query, in order."""

    results: tuple[QueryResult, ...]

    @classmethod
    def read(cls, body: Json) -> Self:
        """From JSON."""
        return cls(**_served(body), results=tuple(_result(one) for one in body["results"]))


@dataclass(frozen=True)
class RankedItem:
    """One item with its score, and its position in the request."""

    index: int
    item_id: str | None
    score: float


@dataclass(frozen=True)
class RerankAnswer(Served):
    """The items of the request, best first."""

    hits: tuple[RankedItem, ...]

    @classmethod
    def read(cls, body: Json) -> Self:
        """From JSON."""
        return cls(**_served(body), hits=_all(RankedItem, body["hits"]))


@dataclass(frozen=True)
class EncodedSemanticId:
    """A semantic ID as text, and one code a level."""

    semantic_id: str
    codes: list[int]


@dataclass(frozen=True)
class SemanticIdsAnswer(Served):
    """One semantic ID an input, in order."""

    semantic_ids: tuple[EncodedSemanticId, ...]

    @classmethod
    def read(cls, body: Json) -> Self:
        """From JSON."""
        return cls(**_served(body), semantic_ids=_all(EncodedSemanticId, body["semantic_ids"]))


@dataclass(frozen=True)
class ListedItem:
    """One item with its semantic ID; attributes when asked for."""

    item_id: str
    semantic_id: str
    attributes: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class DecodedSemanticId:
    """The items that have one semantic ID: `count` of them, at most k in `items`."""

    semantic_id: str
    count: int
    items: tuple[ListedItem, ...]


@dataclass(frozen=True)
class DecodeAnswer(Served):
    """One entry a semantic ID, in order."""

    results: tuple[DecodedSemanticId, ...]

    @classmethod
    def read(cls, body: Json) -> Self:
        """From JSON."""
        results = (
            DecodedSemanticId(one["semantic_id"], one["count"], _all(ListedItem, one["items"]))
            for one in body["results"]
        )
        return cls(**_served(body), results=tuple(results))


@dataclass(frozen=True)
class PrefixChild:
    """One branch below a prefix: the next code, how many items, and what they are (items and words)."""

    code: int
    count: int
    name: Mapping[str, Any] | None


@dataclass(frozen=True)
class PrefixAnswer(Served):
    """What lies below a prefix."""

    prefix: list[int]
    count: int
    name: Mapping[str, Any] | None
    items: tuple[ListedItem, ...]
    children: tuple[PrefixChild, ...]

    @classmethod
    def read(cls, body: Json) -> Self:
        """From JSON."""
        return cls(
            **_served(body),
            prefix=body["prefix"],
            count=body["count"],
            name=body["name"],
            items=_all(ListedItem, body["items"]),
            children=_all(PrefixChild, body["children"]),
        )


@dataclass(frozen=True)
class CollectionInfo:
    """One collection and what it serves; None until it is loaded. `details` has everything that the service says."""

    collection: str
    ready: bool
    bundle_id: str | None
    index_version: str | None
    active_version: str | None
    count: int | None
    dimension: int | None
    metric: str | None
    kind: str | None
    index_recall: float | None
    details: Mapping[str, Any]

    @classmethod
    def read(cls, body: Json) -> Self:
        """From JSON."""
        return _one(cls, {**body, "details": body})


@dataclass(frozen=True)
class ActivateAnswer(Served):
    """What is served after an activation, and the version that was active before."""

    previous_version: str | None

    @classmethod
    def read(cls, body: Json) -> Self:
        """From JSON."""
        return _one(cls, body)


def read_collections(body: Json) -> tuple[CollectionInfo, ...]:
    """The list of collections from JSON."""
    return tuple(CollectionInfo.read(one) for one in body["collections"])


def _served(body: Json) -> dict[str, str]:
    return {field.name: body[field.name] for field in fields(Served)}


def _result(body: Json) -> QueryResult:
    groups = tuple(HitGroup(group["prefix"], _all(Hit, group["hits"])) for group in body.get("groups", ()))
    degraded = body.get("degraded")
    return QueryResult(
        body["exhaustive"],
        _all(Hit, body.get("hits", ())),
        groups,
        body.get("scored"),
        None if degraded is None else _one(Degraded, degraded),
    )


def _all(kind: type[T], bodies: Any) -> tuple[T, ...]:
    return tuple(_one(kind, body) for body in bodies)


def _one(kind: type[T], body: Json) -> T:
    """A dataclass from the members of `body` that it knows."""
    return kind(**{field.name: body[field.name] for field in fields(kind) if field.name in body})  # type: ignore[arg-type]
