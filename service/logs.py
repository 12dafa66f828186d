"""JSON lines on stderr: one formatter for events, one cheap writer for the line that every request leaves.

Request lines are gathered and written together a few times a second by a thread, so that a slow or full log never
delays an answer; when it cannot keep up the oldest lines are dropped and
counted in the metric `tandem_log_lines_dropped_total`.
"""

import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson

from service.call import Call

_OWN_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_FLUSH_SECONDS = 0.1


class JsonFormatter(logging.Formatter):
    """One JSON object a record: time, level, logger, event, and whatever was given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line.update((key, value) for key, value in vars(record).items() if key not in _OWN_FIELDS)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def configure_logging(level: str, stream: TextIO | None = None) -> None:
    """Send every logger of the process to `stream` (stderr by default) as JSON lines."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.getLogger("faiss.loader").setLevel(logging.WARNING)  # it tells of every instruction set it does not find


class RequestLog:
    """Writes one JSON line a request to a file descriptor, from its own thread."""

    def __init__(self, descriptor: int = 2, capacity: int = 20_000) -> None:
        """`on_dropped`, once set, is told how many lines were lost; it may be called from any thread."""
        self._descriptor = descriptor
        self._lines: deque[bytes] = deque(maxlen=capacity)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="request-log", daemon=True)
        self.on_dropped: Callable[[int], object] | None = None
        self.dropped = 0

    def start(self) -> None:
        """Start the writing thread."""
        self._thread.start()

    def close(self) -> None:
        """Write what is waiting and end the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def write(self, call: Call) -> None:
        """Take the line of a finished request; never blocks."""
        if len(self._lines) == self._lines.maxlen:
            self._drop(1)
        self._lines.append(_line(call))

    def _run(self) -> None:
        while not self._stop.wait(_FLUSH_SECONDS):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        lines = [self._lines.popleft() for _ in range(len(self._lines))]
        data = b"".join(lines)
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError:  # a full disk or a closed pipe must not end serving
            self._drop(len(lines))

    def _drop(self, lines: int) -> None:
        self.dropped += lines
        if self.on_dropped is not None:
            self.on_dropped(lines)


def _line(call: Call) -> bytes:
    line = {
        "time": time.time(),
        "level": "info",
        "event": "request",
        "request_id": call.request_id,
        "route": call.route,
        "status": call.status,
        "ms": round((time.perf_counter() - call.started) * 1000, 3),
        "key": call.key.name if call.key else None,
        "collection": call.collection,
        "bundle_id": call.bundle_id,
        "index_version": call.index_version,
        "k": call.k,
        "records": call.records,
    }
    if call.failure_code is not None:
        line["code"] = call.failure_code
    if call.trace_id is not None:
        line |= {"trace_id": call.trace_id, "span_id": call.span_id}
    if call.stages:
        line["stages_ms"] = call.stages.milliseconds
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
