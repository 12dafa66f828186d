"""Who may ask what: finds the API key of a request and holds it against a collection and a scope.

Without a key file reading is open, and only the admin key changes what is served. With one, every route needs a key but
those that tell an orchestrator whether the process lives and those that document the service.
"""

import hmac
import logging
import time
from pathlib import Path

from bundle.errors import ConfigError
from bundle.files import FileState, file_state
from service.call import Call
from service.errors import ActivationDisabled, KeyNotAllowed, KeyRequired
from service.keys import ApiKey, Scope, digest, read_keys
from service.settings import SecuritySettings

logger = logging.getLogger(__name__)
OPEN_PATHS = frozenset({"/livez", "/readyz", "/health", "/errors", "/docs", "/openapi.json", "/console"})
OPEN_BELOW = "/console/"  # pages without data: what they show they ask for with a key
HOW_TO_SEND = "send an API key as `Authorization: Bearer <key>` or in the header `api-key`"
_LOOK_AGAIN_S = 1.0
_BEARER = b"Bearer "


class Access:
    """The keys that are accepted now; asked from the event loop alone."""

    def __init__(self, settings: SecuritySettings) -> None:
        """Read the key file of `settings`; raises ConfigError when it has one that cannot be read."""
        self._path = settings.keys_file
        self._own: tuple[ApiKey, ...] = ()
        if settings.admin_key is not None:
            hashed = digest(settings.admin_key.get_secret_value().encode())
            scopes = frozenset[Scope]({"read", "admin"})
            self._own = (ApiKey(name="admin_key", sha256=hashed, scopes=scopes, created_at="configured"),)
        self._keys: tuple[ApiKey, ...] = self._own
        self._seen: FileState | None = None
        self._look_at = 0.0
        if self._path is not None:
            self._seen = file_state(self._path)
            self._keys = self._own + read_keys(self._path).keys

    @property
    def is_open(self) -> bool:
        """Whether reading needs no key."""
        return self._path is None

    def authenticate(self, call: Call) -> None:
        """Note the key of a request; raises KeyRequired where one is needed and none, or an unknown one, was sent."""
        if self._path is not None:
            self._follow(self._path)
        secret = _secret(call)
        call.key = self._find(secret) if secret else None
        if call.key is not None or self.is_open or call.path in OPEN_PATHS or call.path.startswith(OPEN_BELOW):
            return
        raise KeyRequired(HOW_TO_SEND if secret is None else f"the key is not known here; {HOW_TO_SEND}")

    def check(self, call: Call, collection: str | None, scope: Scope = "read") -> None:
        """Raise unless the key of the request has `scope` in `collection`, or everywhere where that is None.

        Raises KeyRequired, KeyNotAllowed, or ActivationDisabled where nobody may change anything.
        """
        if scope == "read" and self.is_open:
            return
        key = call.key
        if key is None:
            if self.is_open and not self._own:
                raise ActivationDisabled(
                    "activation over HTTP is off because no admin key is configured; set TANDEM_SECURITY__ADMIN_KEY "
                    "(or security.admin_key, or security.keys_file) and restart, or run `tandem index activate` beside "
                    "the server"
                )
            raise KeyRequired(f"this needs a key with the scope {scope}; {HOW_TO_SEND}")
        if scope not in key.scopes:
            raise KeyNotAllowed(f"key '{key.name}' lacks the scope {scope}")
        if not self._opens(key, collection):
            where = "all collections together" if collection is None else f"collection '{collection[:80]}'"
            raise KeyNotAllowed(f"key '{key.name}' is not for {where}")

    def may_read(self, call: Call, collection: str) -> bool:
        """Whether the request may hear of a collection."""
        return self.is_open or (call.key is not None and "read" in call.key.scopes and call.key.opens(collection))

    def _opens(self, key: ApiKey, collection: str | None) -> bool:
        return key.collections is None if collection is None else key.opens(collection)

    def _find(self, secret: bytes) -> ApiKey | None:
        hashed, found = digest(secret), None
        for key in self._keys:  # all of them, so that the time tells nothing of which one was near
            if hmac.compare_digest(key.sha256, hashed):
                found = key
        return found

    def _follow(self, path: Path) -> None:
        """Take up a changed key file; one that cannot be read leaves the keys as they are, and is told of once."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + _LOOK_AGAIN_S
        state = file_state(path)
        if state == self._seen:
            return
        self._seen = state
        try:
            self._keys = self._own + read_keys(path).keys
        except ConfigError as error:
            logger.error("the keys stay as they were", extra={"detail": error.message})
        else:
            logger.info("keys read again", extra={"keys": [key.name for key in self._keys]})


def _secret(call: Call) -> bytes | None:
    bearer = call.headers.get(b"authorization", b"")
    return bearer[len(_BEARER) :] if bearer.startswith(_BEARER) else call.headers.get(b"api-key")
