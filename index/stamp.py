"""Time stamps that begin the names of index versions, so that names sort by age."""

import re
from datetime import UTC, datetime, timedelta

from bundle.workspace import Collection
from index.store import list_versions

_FORMAT = "%Y%m%dT%H%M%S.%f"
_STAMP = re.compile(r"\d{8}T\d{6}\.\d{3}")


def new_stamp(collection: Collection) -> str:
    """UTC now to the millisecond, or a millisecond past the latest version where the clock went backwards."""
    now = datetime.now(UTC)
    stamps = [match[0] for version in list_versions(collection) if (match := _STAMP.match(version))]
    if stamps and _text(now) <= max(stamps):
        now = datetime.strptime(max(stamps), _FORMAT).replace(tzinfo=UTC) + timedelta(milliseconds=1)
    return _text(now)


def _text(moment: datetime) -> str:
    return moment.strftime(_FORMAT)[:-3]
