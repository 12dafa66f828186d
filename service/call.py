"""What is known of one request while it runs: identity for logs and metrics, stages for both."""

import itertools
import os
import re
import time
from collections.abc import Iterable, Mapping, Sequence

from starlette.types import Receive

from service.errors import InvalidRequest
from service.keys import ApiKey
from service.media_types import JSON, RAW
from service.stages import Stages

SCOPE_KEY = "tandem.call"
MOST_TIMEOUT_DIGITS = 9
_SANE_ID = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
_PREFIX = os.urandom(6).hex()
_counter = itertools.count(1)
Headers = Iterable[tuple[bytes, bytes]]
_JSON_HEADERS = ((b"content-type", JSON),)


class Call:
    """The record of one request; written by the request's own task and by the batch that answers it."""

    __slots__ = (
        "answer_headers",
        "bundle_id",
        "collection",
        "failure_code",
        "headers",
        "index_version",
        "k",
        "key",
        "media_type",
        "path",
        "query",
        "receive",
        "records",
        "request_id",
        "route",
        "span_id",
        "stages",
        "started",
        "status",
        "trace_id",
    )

    def __init__(self, headers: Headers, path: str) -> None:
        # Four parts of the service look for a header; one table costs less than four walks.
        self.headers = dict(headers)
        self.path = path
        self.request_id = request_id_from(self.headers)
        self.started = time.perf_counter()
        self.route = "unmatched"
        self.status = 500
        self.collection: str | None = None
        self.bundle_id: str | None = None
        self.index_version: str | None = None
        self.key: ApiKey | None = None
        self.query = b""
        self.media_type = JSON
        self.answer_headers: Sequence[tuple[bytes, bytes]] = _JSON_HEADERS
        self.receive: Receive | None = None  # of the connection, once the whole body is read
        self.k: int | None = None
        self.records: int | None = None
        self.stages: Stages | None = None
        self.failure_code: str | None = None
        self.trace_id: str | None = None
        self.span_id: str | None = None

    def answer_raw(self, dimension: int) -> None:
        """Say that the answer is raw vectors, and in its headers what JSON says in the body."""
        self.answer_headers = [
            (b"content-type", RAW),
            (b"tandem-collection", (self.collection or "").encode()),
            (b"tandem-bundle-id", (self.bundle_id or "").encode()),
            (b"tandem-index-version", (self.index_version or "").encode()),
            (b"tandem-dimension", b"%d" % dimension),
        ]

    def patience_s(self, most: float) -> float:
        """Seconds that the caller waits, by its X-Request-Timeout-Ms, but `most` at most; raises InvalidRequest."""
        value = self.headers.get(b"x-request-timeout-ms")
        if value is None:
            return most
        if not value.isdigit() or len(value) > MOST_TIMEOUT_DIGITS or not int(value):
            raise InvalidRequest(
                f"the header X-Request-Timeout-Ms is {value[:40].decode('latin-1')!r}; give a whole number of "
                "milliseconds, at least 1"
            )
        return min(int(value) / 1000, most)

    def server_timing(self) -> bytes:
        """The stages as the header Server-Timing tells them."""
        return b"" if self.stages is None else self.stages.server_timing


def request_id_from(headers: Mapping[bytes, bytes]) -> str:
    """The caller's X-Request-Id when it is short plain text, else a new one."""
    value = headers.get(b"x-request-id")
    return value.decode() if value is not None and _SANE_ID.fullmatch(value) else new_request_id()


def new_request_id() -> str:
    """An id unique in this process and, by its random prefix and the process id, among processes."""
    return f"{_PREFIX}{os.getpid():x}-{next(_counter):x}"
