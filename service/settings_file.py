"""The settings file of a running server: read again when it changed, and what of it can change without a restart.

Every server process looks at the file itself, as it does at the key file, so several agree within a poll and nothing
has to be signalled into a container. A file is read once two looks in a row found it alike: a writer that truncates
before it writes is not caught with half a file, which could pass for a whole one with defaults.
"""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bundle.errors import ConfigError
from bundle.files import FileState, file_state
from service.settings import Settings, load_settings

logger = logging.getLogger(__name__)
LIVE_SECTIONS = ("limits", "batching", "reload", "live_recall", "shadow", "rerank", "compat", "traces", "logs")
NEED_RESTART = {"batching": {"threads", "inline_us"}, "traces": {"endpoint"}, "logs": {"requests"}}


class Change(NamedTuple):
    """What a new file does to the settings in use."""

    settings: Settings
    """Those in use, with what can change taken from the file."""
    applied: list[str]
    """Names of the settings that changed."""
    waiting: list[str]
    """Names of the settings that are other ones in the file, and stay as they are until a restart."""


class SettingsFile:
    """Settings with the file that they came from; used from one thread."""

    def __init__(self, path: Path | None, overrides: Mapping[str, Any] | None = None) -> None:
        """`path` and `overrides` as `load_settings` takes them; without a path nothing ever changes."""
        self._path = path
        self._overrides = dict(overrides or {})
        self._seen: FileState | None = None if path is None else file_state(path)
        self._found = self._seen

    def read(self) -> Settings:
        """What the file says now; raises ConfigError that names every wrong key."""
        return load_settings(self._path, self._overrides)

    def changed(self) -> Settings | None:
        """What a file says that changed since it was last read, and has stopped changing; raises ConfigError."""
        if self._path is None:
            return None
        before, self._found = self._found, file_state(self._path)
        if self._found == self._seen or self._found != before:
            return None
        self._seen = self._found
        return self.read()


class SettingsWatch:
    """Keeps the settings in use in step with their file."""

    def __init__(
        self,
        file: SettingsFile,
        settings: Settings,
        use: Callable[[Settings], object],
        on_read: Callable[[int], None],
        on_failure: Callable[[], None],
    ) -> None:
        """`use` takes all that changed in one step; `on_read` hears how many settings wait for a restart."""
        self._file = file
        self._settings = settings
        self._use = use
        self._on_read = on_read
        self._on_failure = on_failure

    def look(self) -> None:
        """Take up a changed file; a wrong one leaves every setting as it is, and is told of once."""
        try:
            new = self._file.changed()
        except ConfigError as error:
            self._on_failure()
            logger.error("the settings stay as they were", extra={"detail": error.message})
            return
        if new is None:
            return
        change = change_of(self._settings, new)
        self._settings = change.settings
        self._use(change.settings)
        self._on_read(len(change.waiting))
        logger.info("settings read again", extra={"changed": change.applied})
        if change.waiting:
            logger.warning("settings need a restart", extra={"settings": change.waiting})


def change_of(used: Settings, new: Settings) -> Change:
    """What becomes of the settings in use when `new` is what the file says."""
    sections: dict[str, Any] = {}
    applied, waiting = [], []
    for section in type(used).model_fields:
        before, after = getattr(used, section), getattr(new, section)
        if section not in LIVE_SECTIONS:
            waiting += [section] if before != after else []
            continue
        fixed = NEED_RESTART.get(section, set())
        different = [name for name in type(before).model_fields if getattr(before, name) != getattr(after, name)]
        waiting += [f"{section}.{name}" for name in different if name in fixed]
        applied += [f"{section}.{name}" for name in different if name not in fixed]
        sections[section] = after.model_copy(update={name: getattr(before, name) for name in fixed})
    return Change(used.model_copy(update=sections), applied, waiting)
