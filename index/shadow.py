"""SHADOW, the file beside CURRENT: a candidate that a share of real searches is repeated on before it is activated.

It lies in the workspace, so that every server process of every machine that serves the collection tries the same one.
"""

from datetime import UTC, datetime
from pathlib import Path

from pydantic import Field, ValidationError

from bundle.config import Config
from bundle.files import replace_file
from bundle.workspace import Collection
from index.errors import VersionCorrupt

DEFAULT_SHARE = 0.1


class Shadow(Config):
    """One trial of a candidate."""

    version: str = Field(description="The index version that is tried.")
    share: float = Field(gt=0, le=1, description="Share of the search requests that it is tried on.")
    started_at: str = Field(description="UTC time of the start, ISO 8601; tells one trial from the next.")


def read_shadow(collection: Collection) -> Shadow | None:
    """The trial under way, or None; raises VersionCorrupt where the file cannot be read."""
    path = shadow_path(collection)
    try:
        return Shadow.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        reason = f"{error.error_count()} faults" if isinstance(error, ValidationError) else error.strerror
        raise VersionCorrupt(f"{path} does not name a candidate ({reason}); end the trial, or start another") from error


def shadow_version(collection: Collection) -> str | None:
    """The candidate of the trial under way, None where there is none or the file cannot be read."""
    try:
        shadow = read_shadow(collection)
    except VersionCorrupt:
        return None
    return None if shadow is None else shadow.version


def write_shadow(collection: Collection, version: str, share: float) -> Shadow:
    """Name the candidate, in one step, and return the trial; the caller has checked the version."""
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    shadow = Shadow(version=version, share=share, started_at=started_at)
    replace_file(shadow_path(collection), shadow.model_dump_json() + "\n")
    return shadow


def remove_shadow(collection: Collection) -> None:
    """End the trial under way, if there is one."""
    shadow_path(collection).unlink(missing_ok=True)


def shadow_path(collection: Collection) -> Path:
    """The file that names the candidate."""
    return collection.folder / "SHADOW"
