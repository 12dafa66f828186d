"""The client for ordinary code."""

import time
from collections.abc import Sequence
from typing import Literal, Self, Unpack

import httpx

from client import requests
from client.answers import (
    ActivateAnswer,
    CollectionInfo,
    DecodeAnswer,
    Embeddings,
    PrefixAnswer,
    RerankAnswer,
    SearchAnswer,
    SemanticIdsAnswer,
)
from client.connection import Connection, Failed
from client.requests import (
    AnswerT,
    EncodeOptions,
    ListOptions,
    Record,
    Request,
    RerankOptions,
    SearchOptions,
    SemanticId,
)
from client.retries import Retries


class Client:
    """Calls one service over a pool of connections; may be used from many threads. Use it as a context manager.

    Every method raises ServiceError, of a class for each kind of problem, or ConnectionFailed.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        timeout_s: float = 15.0,
        retries: Retries | None = None,
    ) -> None:
        """`url` is that of the service, `api_key` the bearer key; activate needs an admin key."""
        self._connection = Connection(url, api_key, timeout_s, retries or Retries())
        self._http = httpx.Client(**self._connection.settings())

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def embed(
        self,
        collection: str,
        records: Sequence[Record],
        *,
        tower: Literal["query", "item"] = "query",
        dimensions: int | None = None,
    ) -> Embeddings:
        """Embeddings float32 [B, D] of records."""
        return self._send(requests.embed(collection, records, tower, dimensions))

    def search(self, collection: str, **options: Unpack[SearchOptions]) -> SearchAnswer:
        """The hits of records, vectors or items."""
        return self._send(requests.search(collection, options))

    def rerank(self, collection: str, **options: Unpack[RerankOptions]) -> RerankAnswer:
        """Given items by their score for one query."""
        return self._send(requests.rerank(collection, options))

    def semantic_ids(self, collection: str, **options: Unpack[EncodeOptions]) -> SemanticIdsAnswer:
        """The semantic IDs of records, vectors or items."""
        return self._send(requests.semantic_ids(collection, options))

    def decode(
        self, collection: str, semantic_ids: Sequence[SemanticId], **options: Unpack[ListOptions]
    ) -> DecodeAnswer:
        """The items that have semantic IDs."""
        return self._send(requests.decode(collection, semantic_ids, options))

    def prefix(self, collection: str, prefix: SemanticId, **options: Unpack[ListOptions]) -> PrefixAnswer:
        """The items and branches below a prefix of semantic IDs."""
        return self._send(requests.prefix(collection, prefix, options))

    def collections(self) -> tuple[CollectionInfo, ...]:
        """Every collection and what it serves."""
        return self._send(requests.list_collections())

    def collection(self, name: str) -> CollectionInfo:
        """One collection and what it serves."""
        return self._send(requests.get_collection(name))

    def activate(self, collection: str, version: str) -> ActivateAnswer:
        """Serve an index version from now on; needs an admin key and is never sent twice."""
        return self._send(requests.activate(collection, version))

    def _send(self, request: Request[AnswerT]) -> AnswerT:
        tried = 0
        while True:
            tried += 1
            failed: Failed
            try:
                failed = self._http.request(**self._connection.arguments(request))
            except httpx.TransportError as error:
                failed = error
            else:
                if failed.is_success:
                    return request.read(failed.json())
            time.sleep(self._connection.wait_or_raise(request, failed, tried))
