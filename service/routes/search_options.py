"""A search whose body is raw vectors says the rest in the query string."""

from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import orjson

from service.errors import InvalidRequest
from service.parsing import validate
from service.schemas.search import SearchRequest

# How each parameter is written; what is not here makes no sense beside vectors.
_LIST, _WORD, _JSON = "list", "word", "json"
WRITTEN = {
    "k": _JSON,
    "depth": _JSON,
    "rerank": _WORD,
    "relation": _WORD,
    "hubness": _WORD,
    "with": _LIST,
    "params": _JSON,
    "filter": _JSON,
    "diversify": _JSON,
    "group_by": _JSON,
}
_MOST_KEPT = 256  # bytes of a query string that is kept read; longer ones hold filters and seldom come twice


def search_options(query: bytes) -> SearchRequest:
    """The search that a query string asks for, its vectors left out; raises InvalidRequest."""
    return _kept(query) if len(query) <= _MOST_KEPT else _read(query)


def query_parameters() -> list[dict[str, Any]]:
    """The parameters as OpenAPI documents them."""
    fields = {field.alias or name: field for name, field in SearchRequest.model_fields.items()}
    kinds: dict[str, dict[str, Any]] = {
        _JSON: {"content": {"application/json": {"schema": {"type": "object"}}}},
        _WORD: {"schema": {"type": "string"}},
        _LIST: {"schema": {"type": "array", "items": {"type": "string"}}, "style": "form", "explode": False},
    }
    number = {"schema": {"type": "integer", "minimum": 1}}
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": f"With a body of raw vectors. {fields[name].description}",
            **(number if name in ("k", "depth") else kinds[written]),
        }
        for name, written in WRITTEN.items()
    ]


def _read(query: bytes) -> SearchRequest:
    fields: dict[str, Any] = {"vectors": []}
    for name, text in parse_qsl(query.decode("utf-8", "replace"), keep_blank_values=True):
        written = WRITTEN.get(name)
        if written is None:
            raise InvalidRequest(
                f"query parameter '{name[:64]}' is unknown; beside raw vectors go {', '.join(WRITTEN)}"
            )
        if name in fields:
            raise InvalidRequest(f"query parameter '{name}' is given twice")
        if written == _LIST:
            fields[name] = text.split(",")
        else:
            fields[name] = text if written == _WORD else _json(name, text)
    return validate(SearchRequest, fields)


# A caller asks with the same few query strings again and again: these are read once.
_kept = lru_cache(maxsize=256)(_read)


def _json(name: str, text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"query parameter '{name}' is not JSON: {error}") from error
