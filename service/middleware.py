"""The request boundary, pure ASGI: an id for every request, an answer for every failure, a log line and a count."""

import logging
from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bundle.errors import RetrievalError
from service.call import SCOPE_KEY, Call
from service.problems import ErrorAnswer, ErrorShape, Failure, failure_of, problem_of

logger = logging.getLogger(__name__)
_ROUTER_CODES = {
    404: ("route-not-found", "Route not found", "there is no route {path}; /docs lists all"),
    405: ("method-not-allowed", "Method not allowed", "{path} does not take {method}; it takes {allow}"),
}


class RequestBoundary:
    """Wraps the whole application.

    `authenticate` lets a request in or raises; `on_finished` hears of every request once, after its answer; `shape_at`
    gives the shape of the failures at a path. While `is_draining`, answers ask for the connection to be closed.
    """

    def __init__(
        self,
        app: ASGIApp,
        authenticate: Callable[[Call], None],
        on_finished: Callable[[Call], None],
        shape_at: Callable[[str], ErrorShape] = lambda _: problem_of,
        is_draining: Callable[[], bool] = lambda: False,
    ) -> None:
        self._app = app
        self._authenticate = authenticate
        self._on_finished = on_finished
        self._shape_at = shape_at
        self._is_draining = is_draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; anything but HTTP passes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        call = Call(scope["headers"], scope["path"])
        scope[SCOPE_KEY] = call
        started = False

        async def tagged_send(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                call.status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", call.request_id.encode())]
                if self._is_draining():
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        try:
            self._authenticate(call)
            await self._app(scope, receive, tagged_send)
        except Exception as error:  # the request boundary: no failure may leave it
            failure = _failure(error, call, scope["method"])
            call.failure_code = failure.code
            if started:  # half an answer is out; only the connection can still tell
                call.status = 500
                raise
            await _send_error(self._shape_at(call.path)(failure), tagged_send)
        finally:
            self._on_finished(call)


def _failure(error: Exception, call: Call, method: str) -> Failure:
    if isinstance(error, RetrievalError):
        failure = failure_of(error, call.path, call.request_id)
        if failure.status >= 500:
            fields = {"request_id": call.request_id, "code": error.code, "detail": error.message}
            logger.error("request failed", extra=fields, exc_info=error if failure.status == 500 else None)
        return failure
    if isinstance(error, HTTPException):
        headers = [(name.lower().encode(), value.encode()) for name, value in (error.headers or {}).items()]
        code, title, detail = _ROUTER_CODES.get(error.status_code, ("http-error", "Request refused", error.detail))
        allow = (error.headers or {}).get("Allow", "")
        detail = detail.format(path=call.path[:200], method=method, allow=allow)
        return Failure(error.status_code, title, detail, code, call.path, call.request_id, headers)
    logger.error("request failed unexpectedly", extra={"request_id": call.request_id}, exc_info=error)
    return failure_of(RetrievalError(str(error)), call.path, call.request_id)


async def _send_error(answer: ErrorAnswer, send: Send) -> None:
    headers = [*answer.headers, (b"content-length", b"%d" % len(answer.body))]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
