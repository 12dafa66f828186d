"""What a body is written in, and what an answer is to be: JSON, or raw vectors, rows of little-endian float32."""

from collections.abc import Collection

from service.errors import UnsupportedMediaType

JSON = b"application/json"
RAW = b"application/octet-stream"
# What curl and a browser's fetch call any body, unless told otherwise; the body is JSON all the same.
_UNTOLD = (b"application/x-www-form-urlencoded", b"text/plain", b"")


def media_type(header: bytes | None, taken: Collection[bytes]) -> bytes:
    """JSON, or the one of `taken` that the header Content-Type names; raises UnsupportedMediaType."""
    if header is None or header == JSON:  # nearly every request
        return JSON
    name = header.partition(b";")[0].strip().lower()
    if name == JSON or name in _UNTOLD or name.endswith(b"+json"):
        return JSON
    if name in taken:
        return name
    known = " or ".join([one.decode() for one in (JSON, *taken)])
    raise UnsupportedMediaType(f"the body is {name[:100].decode('latin-1')!r}; this route takes {known}")


def prefers_raw(accept: bytes | None) -> bool:
    """Whether the header Accept puts raw vectors before JSON."""
    if accept is None or RAW not in accept.lower():
        return False
    weights = dict(map(_weighted, accept.lower().split(b",")))
    return 0 < weights.get(RAW, 0.0) >= weights.get(JSON, 0.0)


def _weighted(part: bytes) -> tuple[bytes, float]:
    """A media range with its weight (RFC 9110, 12.4.2); one that is no number counts as 0."""
    name, _, parameters = part.partition(b";")
    for parameter in parameters.split(b";"):
        key, _, value = parameter.strip().partition(b"=")
        if key == b"q":
            return name.strip(), float(value) if value.replace(b".", b"", 1).isdigit() else 0.0
    return name.strip(), 1.0
