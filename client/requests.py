"""Requests before they are sent, the same for both clients: route, body, and how the answer is read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypedDict, TypeVar
from urllib.parse import quote

from client.answers import (
    ActivateAnswer,
    CollectionInfo,
    DecodeAnswer,
    Embeddings,
    Json,
    PrefixAnswer,
    RerankAnswer,
    SearchAnswer,
    SemanticIdsAnswer,
    read_collections,
)
from client.vectors import FloatArray, Vectors, to_base64

AnswerT = TypeVar("AnswerT")
Record = Mapping[str, Any]
SemanticId = str | Sequence[int]
_ACTIVATE_TIMEOUT_S = 120.0  # the service loads and verifies the version first


class SearchOptions(TypedDict, total=False):
    """Fields of a search, as the route names them; one of `queries`, `vectors`, `item_ids` and `examples` is given.

    `with_` stands for the field `with`.
    """

    queries: Sequence[Record]
    vectors: Vectors
    item_ids: Sequence[str]
    examples: Sequence[Mapping[str, Any]]
    mode: Literal["dense", "lexical", "hybrid", "cross_encoder"]
    budget: int
    fusion: str
    dense_weight: float
    relation: Literal["similar", "complementary"]
    k: int
    params: Mapping[str, int]
    rerank: Literal["exact", "cross_encoder", "mmr"] | Mapping[str, Any]
    depth: int
    filter: Mapping[str, Any]
    hubness: str
    diversify: Mapping[str, int]
    group_by: Mapping[str, int]
    with_: Sequence[Literal["attributes", "semantic_id", "vector"]]


class RerankOptions(TypedDict, total=False):
    """Fields of a rerank: one of `query` and `vector`, one of `items` and `item_ids`."""

    query: Record
    vector: Sequence[float] | FloatArray
    items: Sequence[Record]
    item_ids: Sequence[str]
    reranker: Literal["exact", "cross_encoder"]
    k: int


class EncodeOptions(TypedDict, total=False):
    """What gets semantic IDs: one of `records` (of `tower`), `vectors` and `item_ids`."""

    records: Sequence[Record]
    vectors: Vectors
    item_ids: Sequence[str]
    tower: Literal["query", "item"]


class ListOptions(TypedDict, total=False):
    """How many items are listed, and what each carries; `with_` stands for the field `with`."""

    k: int
    offset: int
    with_: Sequence[Literal["attributes"]]


@dataclass(frozen=True)
class Request(Generic[AnswerT]):
    """One request; `changes_nothing` says that it may be sent again."""

    method: Literal["GET", "POST"]
    path: str
    read: Callable[[Json], AnswerT]
    body: Mapping[str, Any] | None = None
    changes_nothing: bool = True
    timeout_s: float | None = None


def embed(
    collection: str, records: Sequence[Record], tower: Literal["query", "item"], dimensions: int | None
) -> Request[Embeddings]:
    """Embed records with one tower."""
    body: dict[str, Any] = {"records": records, "tower": tower, "encoding_format": "base64"}
    if dimensions is not None:
        body["dimensions"] = dimensions
    return _post(collection, "embed", body, Embeddings.read)


def search(collection: str, options: SearchOptions) -> Request[SearchAnswer]:
    """Search."""
    return _post(collection, "search", _fields(options), SearchAnswer.read)


def rerank(collection: str, options: RerankOptions) -> Request[RerankAnswer]:
    """Order given items by their score for a query."""
    body = _fields(options)
    if "vector" in body:
        body["vector"] = [float(number) for number in body["vector"]]
    return _post(collection, "rerank", body, RerankAnswer.read)


def semantic_ids(collection: str, options: EncodeOptions) -> Request[SemanticIdsAnswer]:
    """Semantic IDs of records, vectors or items."""
    return _post(collection, "semantic-ids", _fields(options), SemanticIdsAnswer.read)


def decode(collection: str, wanted: Sequence[SemanticId], options: ListOptions) -> Request[DecodeAnswer]:
    """The items that have semantic IDs."""
    return _post(collection, "semantic-ids", {"semantic_ids": wanted, **_fields(options)}, DecodeAnswer.read)


def prefix(collection: str, codes: SemanticId, options: ListOptions) -> Request[PrefixAnswer]:
    """What lies below a prefix."""
    return _post(collection, "semantic-ids", {"prefix": codes, **_fields(options)}, PrefixAnswer.read)


def list_collections() -> Request[tuple[CollectionInfo, ...]]:
    """Every collection."""
    return Request("GET", "/v1/collections", read_collections)


def get_collection(collection: str) -> Request[CollectionInfo]:
    """One collection."""
    return Request("GET", f"/v1/collections/{quote(collection, safe='')}", CollectionInfo.read)


def activate(collection: str, version: str) -> Request[ActivateAnswer]:
    """Make a version the served one. It is not sent again by itself: another may have been activated meanwhile."""
    path = f"/v1/collections/{quote(collection, safe='')}/activate"
    return Request("POST", path, ActivateAnswer.read, {"version": version}, False, _ACTIVATE_TIMEOUT_S)


def _post(collection: str, route: str, body: Mapping[str, Any], read: Callable[[Json], AnswerT]) -> Request[AnswerT]:
    return Request("POST", f"/v1/collections/{quote(collection, safe='')}/{route}", read, body)


def _fields(options: Mapping[str, Any]) -> dict[str, Any]:
    body = {name.removesuffix("_"): value for name, value in options.items()}
    if "vectors" in body:
        body["vectors"] = to_base64(body["vectors"])
    return body
