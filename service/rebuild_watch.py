"""Tells of the last rebuild of every collection, from the reports that rebuild jobs leave in the workspace."""

import contextlib
from collections.abc import Callable

from bundle.files import FileState, file_state
from bundle.workspace import Collection
from index.rebuild_report import LastRebuild, last_rebuild, newest_report


class RebuildWatch:
    """Looks for new reports; used from the watcher's thread."""

    def __init__(self, on_rebuild: Callable[[str, LastRebuild], None]) -> None:
        """`on_rebuild` hears of a collection's last rebuild, once for each."""
        self._on_rebuild = on_rebuild
        self._seen: dict[str, FileState | None] = {}

    def look(self, collection: Collection) -> None:
        """Look at the newest report of a collection; one that cannot be read tells of nothing."""
        with contextlib.suppress(OSError):  # it may be collected while it is looked at; the next look finds another
            self._look(collection)

    def _look(self, collection: Collection) -> None:
        path = newest_report(collection)
        state = None if path is None else file_state(path)
        if state == self._seen.get(collection.name):
            return
        self._seen[collection.name] = state
        found = last_rebuild(collection)
        if found is not None:
            self._on_rebuild(collection.name, found)
