"""What is known of one request while it runs: identity for logs and metrics, stages for both."""

import itertools
import os
import re
import time
from collections.abc import ItemsView, Iterable
from typing import Protocol

from service.errors import InvalidRequest
from service.keys import ApiKey

SCOPE_KEY = "tandem.call"
MOST_TIMEOUT_DIGITS = 9
_SANE_ID = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
_PREFIX = os.urandom(6).hex()
_counter = itertools.count(1)
Headers = Iterable[tuple[bytes, bytes]]


class StageTimes(Protocol):
    """Seconds by stage, in the order in which they began."""

    @property
    def ended(self) -> float:
        """When the last one ended, by time.perf_counter."""

    def items(self) -> ItemsView[str, float]:
        """Every stage with its seconds."""


class Call:
    """The record of one request; written by the request's own task and by the batch that answers it."""

    __slots__ = (
        "bundle_id",
        "collection",
        "failure_code",
        "headers",
        "index_version",
        "k",
        "key",
        "path",
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
        self.headers = headers
        self.path = path
        self.request_id = request_id_from(headers)
        self.started = time.perf_counter()
        self.route = "unmatched"
        self.status = 500
        self.collection: str | None = None
        self.bundle_id: str | None = None
        self.index_version: str | None = None
        self.key: ApiKey | None = None
        self.k: int | None = None
        self.records: int | None = None
        self.stages: StageTimes | None = None
        self.failure_code: str | None = None
        self.trace_id: str | None = None
        self.span_id: str | None = None

    def patience_s(self, most: float) -> float:
        """Seconds that the caller waits, by its X-Request-Timeout-Ms, but `most` at most; raises InvalidRequest."""
        for name, value in self.headers:
            if name == b"x-request-timeout-ms":
                if not value.isdigit() or len(value) > MOST_TIMEOUT_DIGITS or not int(value):
                    raise InvalidRequest(
                        f"the header X-Request-Timeout-Ms is {value[:40].decode('latin-1')!r}; give a whole number of "
                        "milliseconds, at least 1"
                    )
                return min(int(value) / 1000, most)
        return most

    def server_timing(self) -> bytes:
        """The stages as the header Server-Timing tells them (W3C Server Timing), in milliseconds."""
        stages = () if self.stages is None else self.stages.items()
        return ", ".join(f"{name};dur={seconds * 1000:.3f}" for name, seconds in stages).encode()


def request_id_from(headers: Headers) -> str:
    """The caller's X-Request-Id when it is short plain text, else a new one."""
    for name, value in headers:
        if name == b"x-request-id":
            return value.decode() if _SANE_ID.fullmatch(value) else new_request_id()
    return new_request_id()


def new_request_id() -> str:
    """An id unique in this process and, by its random prefix and the process id, among processes."""
    return f"{_PREFIX}{os.getpid():x}-{next(_counter):x}"
