"""A raw body into a request model, validated once; every fault names its field and position."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import orjson
from pydantic import ValidationError

from bundle.errors import BatchTooLarge
from index.filters.filter import Filter
from index.filters.size import FilterSize, check_filter_size
from service.errors import InvalidRequest
from service.schemas.fields import RequestBody
from service.settings import LimitSettings

ModelT = TypeVar("ModelT", bound=RequestBody)
_MOST_FAULTS = 5


def parse_body(model: type[ModelT], body: bytes) -> ModelT:
    """Read `body` as JSON into `model`; raises InvalidRequest."""
    if not body:
        raise InvalidRequest("the body is empty; send a JSON object")
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"the body is not JSON: {error}") from error
    return validate(model, data)


def validate(model: type[ModelT], data: object) -> ModelT:
    """`data`, as JSON has it, as `model`; raises InvalidRequest."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise InvalidRequest(_faults(error)) from error


def exactly_one(request: RequestBody, names: Sequence[str]) -> str:
    """The one field of `names` that is given; raises InvalidRequest when none or several are."""
    given = [name for name in names if getattr(request, name) is not None]
    if len(given) != 1:
        what = f"{' and '.join(given)} are all given" if given else "none is given"
        raise InvalidRequest(f"give exactly one of {', '.join(names)}; {what}")
    return given[0]


def check_size(field: str, size: int, limit: int) -> int:
    """Return `size`; raises BatchTooLarge above `limit`."""
    if size > limit:
        raise BatchTooLarge(f"{field} has {size} entries, at most {limit} are taken; send several requests")
    return size


def check_limit(field: str, value: int, limit: int) -> None:
    """Raise InvalidRequest when `value` is above `limit`."""
    if value > limit:
        raise InvalidRequest(f"{field} is {value}, at most {limit} is taken")


def check_hits(n_queries: int, hits_each: int, limit: int) -> None:
    """Raise BatchTooLarge when all queries together ask for more than `limit` hits."""
    if n_queries * hits_each > limit:
        raise BatchTooLarge(
            f"{n_queries} queries x {hits_each} hits or candidates are {n_queries * hits_each}, at most {limit} are "
            "taken in one request; send fewer queries or ask for fewer"
        )


def check_pairs(n_queries: int, calls_each: int, limit: int) -> None:
    """Raise BatchTooLarge when all queries together have a cross-encoder score more than `limit` pairs."""
    if n_queries * calls_each > limit:
        raise BatchTooLarge(
            f"{n_queries} queries x {calls_each} items are {n_queries * calls_each} pairs for the cross-encoder, at "
            f"most {limit} are taken in one request; send fewer queries or ask for fewer"
        )


def check_filter(asked: Filter, limits: LimitSettings) -> None:
    """Raise InvalidFilter when the filter is larger than the limits."""
    most = FilterSize(limits.max_filter_depth, limits.max_filter_conditions, limits.max_filter_values)
    check_filter_size(asked, most)


def _faults(error: ValidationError) -> str:
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    lines = [f"{_path(fault['loc'])}: {_message(fault)}" for fault in faults[:_MOST_FAULTS]]
    if len(faults) > _MOST_FAULTS:
        lines.append(f"and {len(faults) - _MOST_FAULTS} more")
    return "; ".join(lines)


def _path(loc: Sequence[int | str]) -> str:
    path = ""
    for part in loc:
        path += f"[{part}]" if isinstance(part, int) else f".{part[:64]}"
    return path.lstrip(".") or "body"


def _message(fault: Mapping[str, object]) -> str:
    if fault["type"] == "extra_forbidden":
        return "unknown field"
    if fault["type"] in ("model_type", "dict_type"):
        return "must be a JSON object"
    return str(fault["msg"])
