"""API keys: one file that holds their hashes, read again when it changes.

A key is 256 random bits, so one SHA-256 of it is as hard to invert as a slow hash: there is no dictionary to try.
"""

import hashlib
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import orjson
from pydantic import Field, ValidationError

from bundle.config import Config
from bundle.errors import ConfigError
from bundle.files import replace_file

Scope = Literal["read", "admin"]
PREFIX = "tandem_"


class ApiKey(Config):
    """One key, without the key itself."""

    name: str = Field(min_length=1, max_length=64, pattern=r"^[\w.-]+$", description="What logs call the key.")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of the key, in hexadecimal digits.")
    scopes: frozenset[Scope] = Field(min_length=1, description="`read`: ask; `admin`: change what is served.")
    collections: frozenset[str] | None = Field(default=None, description="Collections it opens; all if not given.")
    created_at: str = Field(description="UTC time of its creation, ISO 8601.")

    def opens(self, collection: str) -> bool:
        """Whether the key is for this collection."""
        return self.collections is None or collection in self.collections


class KeyFile(Config):
    """All keys of a server."""

    keys: tuple[ApiKey, ...] = Field(default=(), description="Every key that is accepted.")


def read_keys(path: Path) -> KeyFile:
    """The keys in the file at `path`; raises ConfigError."""
    try:
        return KeyFile.model_validate(orjson.loads(path.read_bytes()))
    except OSError as error:
        raise ConfigError(
            f"cannot read the key file {path}: {error.strerror}; make one with `tandem keys create`", path=str(path)
        ) from error
    except orjson.JSONDecodeError as error:
        raise ConfigError(f"the key file {path} is not JSON: {error}", path=str(path)) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "(whole file)"
        raise ConfigError(f"the key file {path} is wrong at {where}: {first['msg']}", path=str(path)) from error


def create_key(path: Path, name: str, scopes: frozenset[Scope], collections: frozenset[str] | None) -> str:
    """Add a key to the file at `path`, which is made if it is not there, and return the key: nobody can read it again.

    Raises ConfigError when the name is taken or the file is damaged.
    """
    keys = read_keys(path).keys if path.exists() else ()
    if any(key.name == name for key in keys):
        raise ConfigError(f"{path} has a key named '{name}' already; choose another name, or revoke that one first")
    secret = PREFIX + secrets.token_urlsafe(32)
    try:
        added = ApiKey(
            name=name,
            sha256=digest(secret.encode()),
            scopes=scopes,
            collections=collections,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
    except ValidationError as error:
        raise ConfigError(f"the key cannot be made: {error.errors()[0]['msg']}") from error
    _write(path, KeyFile(keys=(*keys, added)))
    return secret


def revoke_key(path: Path, name: str) -> None:
    """Take a key out of the file at `path`; raises ConfigError when it has none of that name."""
    keys = read_keys(path).keys
    kept = tuple(key for key in keys if key.name != name)
    if len(kept) == len(keys):
        named = ", ".join(key.name for key in keys) or "none"
        raise ConfigError(f"{path} has no key named '{name}'; it has: {named}")
    _write(path, KeyFile(keys=kept))


def digest(secret: bytes) -> str:
    """What is stored of a key."""
    return hashlib.sha256(secret).hexdigest()


def _write(path: Path, file: KeyFile) -> None:
    content = file.model_dump(mode="json")
    for key in content["keys"]:
        key["scopes"].sort()
        if key["collections"] is not None:
            key["collections"].sort()
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
