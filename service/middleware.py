"""The request boundary, pure ASGI: an id for every request, a problem for every failure, a log line and a count."""

import logging
from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bundle.errors import RetrievalError
from service.call import SCOPE_KEY, Call
from service.problems import MEDIA_TYPE, Problem, problem_body, problem_of

logger = logging.getLogger(__name__)
_ROUTER_CODES = {
    404: ("route-not-found", "Route not found", "there is no route {path}; /docs lists all"),
    405: ("method-not-allowed", "Method not allowed", "{path} does not take {method}; it takes {allow}"),
}


class RequestBoundary:
    """Wraps the whole application.

    `authenticate` lets a request in or raises; `on_finished` hears of every request once, after its answer.
    """

    def __init__(self, app: ASGIApp, authenticate: Callable[[Call], None], on_finished: Callable[[Call], None]) -> None:
        self._app = app
        self._authenticate = authenticate
        self._on_finished = on_finished

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
            await send(message)

        try:
            self._authenticate(call)
            await self._app(scope, receive, tagged_send)
        except Exception as error:  # the request boundary: no failure may leave it
            problem = _problem(error, call, scope["method"])
            if started:  # half an answer is out; only the connection can still tell
                call.status = 500
                raise
            await _send_problem(problem, tagged_send)
        finally:
            self._on_finished(call)


def _problem(error: Exception, call: Call, method: str) -> Problem:
    if isinstance(error, RetrievalError):
        problem = problem_of(error, call.path, call.request_id)
        if problem.status >= 500:
            fields = {"request_id": call.request_id, "code": error.code, "detail": error.message}
            logger.error("request failed", extra=fields, exc_info=error if problem.status == 500 else None)
        return problem
    if isinstance(error, HTTPException):
        headers = [(name.lower().encode(), value.encode()) for name, value in (error.headers or {}).items()]
        code, title, detail = _ROUTER_CODES.get(error.status_code, ("http-error", "Request refused", error.detail))
        allow = (error.headers or {}).get("Allow", "")
        detail = detail.format(path=call.path[:200], method=method, allow=allow)
        body = problem_body(error.status_code, title, detail, code, call.path, call.request_id)
        return Problem(error.status_code, headers, body)
    logger.error("request failed unexpectedly", extra={"request_id": call.request_id}, exc_info=error)
    return problem_of(RetrievalError(str(error)), call.path, call.request_id)


async def _send_problem(problem: Problem, send: Send) -> None:
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", b"%d" % len(problem.body))]
    await send({"type": "http.response.start", "status": problem.status, "headers": [*headers, *problem.headers]})
    await send({"type": "http.response.body", "body": problem.body})
