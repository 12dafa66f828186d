"""What is known of one request while it runs: identity for logs and metrics, stages for both."""

import itertools
import os
import re
import time
from collections.abc import Iterable, MutableMapping

from service.keys import ApiKey

SCOPE_KEY = "tandem.call"
_SANE_ID = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
_PREFIX = os.urandom(6).hex()
_counter = itertools.count(1)
Headers = Iterable[tuple[bytes, bytes]]


class Call:
    """The record of one request; written by the request's own task and by the batch that answers it."""

    __slots__ = (
        "bundle_id",
        "collection",
        "headers",
        "index_version",
        "k",
        "key",
        "path",
        "records",
        "request_id",
        "route",
        "stages",
        "started",
        "status",
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
        self.stages: MutableMapping[str, float] | None = None


def request_id_from(headers: Headers) -> str:
    """The caller's X-Request-Id when it is short plain text, else a new one."""
    for name, value in headers:
        if name == b"x-request-id":
            return value.decode() if _SANE_ID.fullmatch(value) else new_request_id()
    return new_request_id()


def new_request_id() -> str:
    """An id unique in this process and, by its random prefix and the process id, among processes."""
    return f"{_PREFIX}{os.getpid():x}-{next(_counter):x}"
