"""Every domain error as a failure with its HTTP status, and a failure as RFC 9457 `application/problem+json`.

The one table from error class to status. Routes that speak another service's language write failures in its shape.
"""

from collections.abc import Callable
from typing import NamedTuple

import orjson

from bundle import errors as bundle_errors
from bundle.errors import RetrievalError
from index import errors as index_errors
from service import errors as service_errors

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "/errors#"
MOST_DETAIL = 2000  # characters; a message may quote what the caller sent


class Row(NamedTuple):
    """How one error class is answered."""

    status: int
    title: str


# A class without a row of its own is answered by the nearest parent that has one.
TABLE: dict[type[RetrievalError], Row] = {
    RetrievalError: Row(500, "Internal error"),
    bundle_errors.ConfigError: Row(500, "Server misconfigured"),
    bundle_errors.BundleError: Row(503, "Bundle cannot be served"),
    bundle_errors.BundleNotFound: Row(404, "Bundle not found"),
    bundle_errors.InputError: Row(422, "Input cannot be used"),
    bundle_errors.InvalidRecord: Row(422, "Record cannot be used"),
    bundle_errors.InvalidSemanticId: Row(422, "Semantic ID cannot be used"),
    bundle_errors.UnknownItem: Row(404, "Item not found"),
    bundle_errors.BatchTooLarge: Row(413, "Batch too large"),
    index_errors.VersionError: Row(503, "Index version cannot be served"),
    index_errors.VersionNotFound: Row(404, "Index version not found"),
    index_errors.AlreadyActive: Row(409, "Index version is active"),
    index_errors.BundleMismatch: Row(409, "Bundle mismatch"),
    index_errors.InvalidFilter: Row(422, "Filter cannot be used"),
    index_errors.RelationNotServed: Row(409, "Relation not served"),
    index_errors.HubnessNotServed: Row(409, "Hubness correction not served"),
    index_errors.LexicalNotServed: Row(409, "Collection has no index of words"),
    index_errors.RerankerFailed: Row(503, "Reranker failed"),
    service_errors.ServingError: Row(500, "Internal error"),
    service_errors.InvalidRequest: Row(422, "Request cannot be used"),
    service_errors.BodyTooLarge: Row(413, "Body too large"),
    service_errors.UnknownCollection: Row(404, "Collection not found"),
    service_errors.UnknownModel: Row(404, "Model not found"),
    service_errors.UnknownPage: Row(404, "Page not found"),
    service_errors.NoSemanticIds: Row(409, "Collection has no semantic IDs"),
    service_errors.RerankerNotServed: Row(409, "Reranker not served"),
    service_errors.KeyRequired: Row(401, "Key required"),
    service_errors.KeyNotAllowed: Row(403, "Key not allowed"),
    service_errors.ActivationDisabled: Row(403, "Activation over HTTP is off"),
    service_errors.ActivationSuperseded: Row(409, "Activation superseded"),
    service_errors.NotReady: Row(503, "Not ready"),
    service_errors.Overloaded: Row(429, "Overloaded"),
    service_errors.DeadlineExceeded: Row(504, "Deadline exceeded"),
    service_errors.ClientGone: Row(499, "Client closed the connection"),  # nginx's number; HTTP has none
    service_errors.UnsupportedMediaType: Row(415, "Media type not taken"),
}


class Failure(NamedTuple):
    """What an answer that is an error says, in whatever shape it is written."""

    status: int
    title: str
    detail: str
    code: str
    path: str
    request_id: str
    headers: list[tuple[bytes, bytes]]
    param: str | None = None


class ErrorAnswer(NamedTuple):
    """An answer that is an error: status, headers beside the length, body."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


ErrorShape = Callable[[Failure], ErrorAnswer]


def row_of(error_class: type[RetrievalError]) -> Row:
    """The row of a class, or of its nearest parent."""
    return next(TABLE[parent] for parent in error_class.__mro__ if parent in TABLE)


def failure_of(error: RetrievalError, path: str, request_id: str) -> Failure:
    """What the answer to a domain error says; the message of an internal error is kept from the caller."""
    row = row_of(type(error))
    hidden = row.status == 500
    detail = f"an internal error occurred; quote request id {request_id}" if hidden else error.message
    if len(detail) > MOST_DETAIL:
        detail = detail[:MOST_DETAIL] + " ..."
    headers: list[tuple[bytes, bytes]] = []
    retry_after = error.context.get("retry_after_s")
    if retry_after is not None:
        headers.append((b"retry-after", str(retry_after).encode()))
    if row.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if isinstance(error, service_errors.BodyTooLarge):
        headers.append((b"connection", b"close"))  # the rest of the body is not worth reading
    code = RetrievalError.code if hidden else error.code
    param = error.context.get("param")
    field = param if isinstance(param, str) else None
    return Failure(row.status, row.title, detail, code, path, request_id, headers, field)


def problem_of(failure: Failure) -> ErrorAnswer:
    """The problem of RFC 9457 with the extension members `code` and `request_id`."""
    body = {
        "type": TYPE_PREFIX + failure.code,
        "title": failure.title,
        "status": failure.status,
        "detail": failure.detail,
        "instance": failure.path,
        "code": failure.code,
        "request_id": failure.request_id,
    }
    headers = [(b"content-type", MEDIA_TYPE.encode()), *failure.headers]
    return ErrorAnswer(failure.status, headers, orjson.dumps(body))


def json_error(failure: Failure, body: object, status: int | None = None) -> ErrorAnswer:
    """An error of another shape, as plain JSON; `status` takes the place of the failure's own."""
    headers = [(b"content-type", b"application/json"), *failure.headers]
    return ErrorAnswer(status or failure.status, headers, orjson.dumps(body))
