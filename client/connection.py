"""How both clients reach the service."""

from dataclasses import dataclass
from typing import Any

import httpx

from client.errors import ConnectionFailed, service_error
from client.requests import AnswerT, Request
from client.retries import Retries

Failed = httpx.Response | httpx.TransportError


@dataclass(frozen=True)
class Connection:
    """Address, key, and what is done when a request fails; `timeout_s` is the longest wait for bytes of an answer."""

    url: str
    api_key: str | None
    timeout_s: float
    retries: Retries

    def settings(self) -> dict[str, Any]:
        """Arguments of an httpx client."""
        # What the caller no longer waits for, the service need not begin.
        headers = {"x-request-timeout-ms": str(max(1, int(self.timeout_s * 1000)))}
        if self.api_key:
            headers["authorization"] = f"Bearer {self.api_key}"
        return {"base_url": self.url, "timeout": self.timeout_s, "headers": headers}

    def arguments(self, request: Request[AnswerT]) -> dict[str, Any]:
        """Arguments of httpx's `request`."""
        given: dict[str, Any] = {"method": request.method, "url": request.path}
        if request.body is not None:
            given["json"] = request.body
        if request.timeout_s is not None:
            given["timeout"] = request.timeout_s
        return given

    def wait_or_raise(self, request: Request[AnswerT], failed: Failed, tried: int) -> float:
        """Seconds until the next try; raises the error of `failed` when there shall be none."""
        error = service_error(failed) if isinstance(failed, httpx.Response) else ConnectionFailed(failed)
        wait_s = self.retries.wait_s(error, tried) if request.changes_nothing else None
        if wait_s is None:
            raise error
        return wait_s
