import asyncio
from collections.abc import Sequence

import pytest
from starlette.types import Message

from service.errors import BodyTooLarge, InvalidRequest
from service.hot_route import read_body


def _read(messages: Sequence[Message], limit: int = 10, stated: bytes | None = None) -> tuple[bytes, int]:
    """The body, and how many messages were taken."""
    taken = 0

    async def receive() -> Message:
        nonlocal taken
        taken += 1
        return messages[taken - 1]

    return asyncio.run(read_body(receive, limit, stated)), taken


def _part(body: bytes, more: bool) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def test_parts_are_joined() -> None:
    assert _read([_part(b"ab", True), _part(b"", True), _part(b"cd", False)]) == (b"abcd", 3)
    assert _read([{"type": "http.request"}]) == (b"", 1)


def test_exactly_the_limit_is_taken() -> None:
    assert _read([_part(b"x" * 10, False)])[0] == b"x" * 10


def test_a_stated_length_above_the_limit_is_refused_unread() -> None:
    with pytest.raises(BodyTooLarge):
        _read([], stated=b"11")


def test_reading_stops_at_the_limit() -> None:
    with pytest.raises(BodyTooLarge):  # the third message does not exist: taking it would be an IndexError
        _read([_part(b"x" * 6, True), _part(b"x" * 6, True)])


def test_a_cut_connection_is_no_request() -> None:
    with pytest.raises(InvalidRequest, match="ended"):
        _read([_part(b"x", True), {"type": "http.disconnect"}])
