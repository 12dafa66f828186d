"""One rebuild or garbage collection of a collection at a time."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from bundle.workspace import Collection
from index.errors import RebuildRunning


@contextmanager
def rebuild_lock(collection: Collection, command: str) -> Iterator[None]:
    """Hold the collection's rebuild lock; it ends with the process, however it ends.

    Raises RebuildRunning that says who holds it; it does not wait.
    """
    descriptor = os.open(collection.folder / ".rebuild.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 1_000, 0).decode("utf-8", errors="replace").strip() or "another process"
            raise RebuildRunning(
                f"collection '{collection.name}' is being rebuilt by {holder}; nothing was done", holder=holder
            ) from error
        since = datetime.now(UTC).isoformat(timespec="seconds")
        os.ftruncate(descriptor, 0)
        os.pwrite(
            descriptor, f"`{command}`, process {os.getpid()} on {socket.gethostname()}, since {since}".encode(), 0
        )
        yield
    finally:
        os.close(descriptor)
