import pytest

from service.errors import UnsupportedMediaType
from service.media_types import JSON, RAW, media_type, prefers_raw


@pytest.mark.parametrize(
    ("header", "meant"),
    [
        (None, JSON),
        (b"", JSON),
        (b"application/json; charset=utf-8", JSON),
        (b"Application/JSON", JSON),
        (b"application/vnd.shop+json", JSON),
        (b"application/x-www-form-urlencoded", JSON),
        (b"application/octet-stream", RAW),
        (b"application/Octet-Stream;x=y", RAW),
    ],
)
def test_the_header_says_what_the_body_is(header: bytes | None, meant: bytes) -> None:
    assert media_type(header, (RAW,)) == meant


@pytest.mark.parametrize("header", [b"text/csv", b"application/xml", b"application/octet-stream2", b"\xff"])
def test_what_is_not_taken_is_refused_with_what_is(header: bytes) -> None:
    with pytest.raises(UnsupportedMediaType, match="takes application/json or application/octet-stream"):
        media_type(header, (RAW,))


def test_raw_vectors_are_taken_where_the_route_says_so() -> None:
    with pytest.raises(UnsupportedMediaType, match="takes application/json$"):
        media_type(RAW, ())


@pytest.mark.parametrize(
    ("accept", "raw"),
    [
        (None, False),
        (b"*/*", False),
        (b"application/json", False),
        (b"application/octet-stream", True),
        (b"Application/Octet-Stream, */*;q=0.1", True),
        (b"application/json, application/octet-stream;q=0.9", False),
        (b"application/json;q=0.5,application/octet-stream;q=0.8", True),
        (b"application/octet-stream;q=0", False),
        (b"application/octet-stream;q=x", False),
    ],
)
def test_the_heavier_media_type_wins(accept: bytes | None, raw: bool) -> None:
    assert prefers_raw(accept) is raw
