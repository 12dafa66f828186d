import asyncio
import logging
from collections.abc import Callable

import orjson
import pytest
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from bundle.errors import ConfigError
from service.call import SCOPE_KEY, Call
from service.errors import InvalidRequest, KeyRequired, Overloaded
from service.middleware import RequestBoundary
from service.problems import ErrorShape, json_error, problem_of


def let_in(_: Call) -> None:
    """Every request."""


def _at_path(path: str) -> ErrorShape:
    """Another shape, which shows what it is told."""
    return lambda failure: json_error(failure, {"asked": path, "said": failure.detail, "param": failure.param}, 418)


def _run(
    error: Exception | None, after_start: bool = False, shape_at: Callable[[str], ErrorShape] = lambda _: problem_of
) -> tuple[list[Message], list[Call]]:
    sent: list[Message] = []
    finished: list[Call] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope[SCOPE_KEY].route = "test"
        if error is None or after_start:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        if error is not None:
            raise error
        await send({"type": "http.response.body", "body": b"ok"})

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/x", "headers": [(b"x-request-id", b"id-1")]}
    try:
        asyncio.run(RequestBoundary(app, let_in, finished.append, shape_at)(scope, receive, send))
    except ZeroDivisionError:
        sent.append({"type": "raised"})
    return sent, finished


def test_an_answer_carries_the_request_id_and_is_counted_once() -> None:
    sent, finished = _run(None)
    assert sent[0]["headers"] == [(b"x-request-id", b"id-1")]
    assert [(call.route, call.status) for call in finished] == [("test", 200)]


def test_a_domain_error_becomes_its_problem() -> None:
    sent, finished = _run(InvalidRequest("k is wrong"))
    assert (sent[0]["status"], orjson.loads(sent[1]["body"])["detail"]) == (422, "k is wrong")
    assert finished[0].status == 422


def test_a_path_may_have_a_shape_of_its_own_for_every_failure() -> None:
    errors: list[tuple[Exception, str]] = [
        (Overloaded("full", retry_after_s=7, param="input"), "full"),
        (HTTPException(405, headers={"Allow": "POST"}), "/x does not take POST; it takes POST"),
        (ZeroDivisionError("secret"), "an internal error occurred; quote request id id-1"),
    ]
    for error, said in errors:
        sent, finished = _run(error, shape_at=_at_path)
        body = orjson.loads(sent[1]["body"])
        assert (sent[0]["status"], finished[0].status, body["asked"], body["said"]) == (418, 418, "/x", said)
        headers = dict(sent[0]["headers"])
        assert headers[b"content-type"] == b"application/json"
        if isinstance(error, Overloaded):
            assert (headers[b"retry-after"], body["param"]) == (b"7", "input")


@pytest.mark.parametrize("error", [ZeroDivisionError("secret"), ConfigError("secret")])
def test_an_internal_error_is_hidden_but_logged_with_its_request_id(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        sent, _ = _run(error)
    assert sent[0]["status"] == 500
    assert b"secret" not in sent[1]["body"]
    assert caplog.records[0].__dict__["request_id"] == "id-1"
    assert caplog.records[0].exc_info is not None


def test_a_failure_after_the_first_byte_ends_the_connection() -> None:
    sent, finished = _run(ZeroDivisionError(), after_start=True)
    assert [message["type"] for message in sent] == ["http.response.start", "raised"]
    assert finished[0].status == 500


def test_other_protocols_pass_through() -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    async def nothing() -> Message:
        return {}

    async def drop(_: Message) -> None:
        return None

    asyncio.run(RequestBoundary(app, let_in, seen.append)({"type": "lifespan"}, nothing, drop))  # type: ignore[arg-type]
    assert seen == [{"type": "lifespan"}]


def test_a_request_that_is_not_let_in_reaches_no_route_and_is_counted() -> None:
    finished: list[Call] = []
    sent: list[Message] = []

    def refuse(_: Call) -> None:
        raise KeyRequired("send a key")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("a refused request must not get here")

    async def send(message: Message) -> None:
        sent.append(message)

    async def nothing() -> Message:
        return {}

    scope = {"type": "http", "method": "POST", "path": "/x", "headers": []}
    asyncio.run(RequestBoundary(app, refuse, finished.append)(scope, nothing, send))
    assert sent[0]["status"] == 401
    assert orjson.loads(sent[1]["body"])["code"] == "key-required"
    assert [call.status for call in finished] == [401]
