"""Follows the SHADOW file of every collection in the watcher's thread: loads a candidate beside the served version.

A candidate that does not load disturbs nothing; it is tried again later. Who hears of a new candidate lets go of the
one before.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from bundle.errors import RetrievalError
from bundle.workspace import Collection
from index.errors import VersionCorrupt
from index.shadow import Shadow, read_shadow
from service.loaded import Failure, Loaded, load
from service.settings import Settings
from service.shadow.candidate import Candidate

logger = logging.getLogger(__name__)


@dataclass
class _Tried:
    shadow: Shadow | None = None
    loaded: Loaded | None = None
    failure: Failure | None = None
    retry_at: float = 0.0
    fault: str | None = None


class Candidates:
    """The candidates of all collections."""

    def __init__(self, settings: Settings, on_change: Callable[[str, Candidate | None], None]) -> None:
        """`on_change` hears of every collection's new candidate, or that it has none any more; called in the thread."""
        self._settings = settings
        self._on_change = on_change
        self._tried: dict[str, _Tried] = {}

    def use(self, settings: Settings) -> None:
        """Load by other settings from now on."""
        self._settings = settings

    def follow(self, collection: Collection, served: Loaded | None) -> None:
        """Bring the candidate of a collection in step with its SHADOW file."""
        tried = self._tried.setdefault(collection.name, _Tried())
        wanted = self._wanted(collection, tried)
        if served is None or wanted is None or wanted.version == served.index_version:
            self._end(collection.name, tried)
        elif not _is_settled(tried, wanted):
            self._load(collection, tried, wanted, served)

    def take(self, name: str, version: str) -> Loaded | None:
        """The loaded candidate of a collection if it is `version`, which is then a candidate no more."""
        tried = self._tried.get(name)
        if tried is None or tried.loaded is None or tried.loaded.index_version != version:
            return None
        loaded, self._tried[name] = tried.loaded, _Tried()
        return loaded

    def close(self) -> None:
        """Close every candidate; nothing may use them any more."""
        for tried in self._tried.values():
            if tried.loaded is not None:
                tried.loaded.close()

    def _wanted(self, collection: Collection, tried: _Tried) -> Shadow | None:
        try:
            wanted, tried.fault = read_shadow(collection), None
        except VersionCorrupt as error:
            if tried.fault != error.message:  # once, not at every poll
                tried.fault = error.message
                logger.error("the trial stays", extra={"collection": collection.name, "detail": error.message})
            return tried.shadow
        return wanted

    def _end(self, name: str, tried: _Tried) -> None:
        if tried.shadow is not None:
            self._tried[name] = _Tried(fault=tried.fault)
            self._on_change(name, None)
            logger.info("trial ended", extra={"collection": name, "index_version": tried.shadow.version})

    def _load(self, collection: Collection, tried: _Tried, wanted: Shadow, served: Loaded) -> None:
        fields = {"collection": collection.name, "index_version": wanted.version, "share": wanted.share}
        before, tried.shadow = tried.loaded, wanted
        try:
            if before is None or before.index_version != wanted.version:
                tried.loaded = load(collection, wanted.version, self._settings, served)
        except Exception as error:  # whatever a damaged file does to a reader, the served version serves on
            tried.loaded = None
            tried.failure = _failure(wanted.version, error, tried.failure)
            tried.retry_at = time.monotonic() + self._settings.reload.retry_seconds
            logger.exception("candidate failed to load", extra=fields | {"attempts": tried.failure.attempts})
        else:
            tried.failure = None
            logger.info("trial started", extra=fields)
        self._on_change(collection.name, Candidate.of(wanted, served, tried.loaded, tried.failure))


def _is_settled(tried: _Tried, wanted: Shadow) -> bool:
    """Whether there is nothing to do for what is wanted now."""
    return tried.shadow == wanted and (tried.failure is None or time.monotonic() < tried.retry_at)


def _failure(version: str, error: Exception, before: Failure | None) -> Failure:
    attempts = before.attempts + 1 if before is not None and before.index_version == version else 1
    if isinstance(error, RetrievalError):
        return Failure(version, error, attempts)
    return Failure(version, VersionCorrupt(f"index version '{version}' cannot be loaded: {error}"), attempts)
