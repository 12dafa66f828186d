"""Search by a body of raw vectors, its options in the query string."""

import json
from typing import Any
from urllib.parse import urlencode

import httpx
import numpy as np
import pytest

from service.errors import InvalidRequest
from service.routes.search_options import WRITTEN, query_parameters, search_options
from service.schemas.search import SearchRequest
from tests.service.running import LiveApp
from tests.service.tiny import DIMENSION

RAW = {"content-type": "application/octet-stream"}
QUERIES = np.random.default_rng(0).standard_normal((3, DIMENSION)).astype("<f4")


def _raw(shop: LiveApp, query: str = "", body: bytes = QUERIES.tobytes()) -> httpx.Response:
    return shop.post(f"search?{query}", content=body, headers=RAW)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"k": 4},
        {"k": 4, "rerank": "exact", "depth": 20, "with": ["attributes", "semantic_id"]},
        {"k": 5, "filter": {"must": [{"key": "price", "range": {"lte": 20}}]}},
        {"k": 3, "diversify": {"level": 1, "most": 1}, "relation": "similar"},
        {"k": 2, "group_by": {"level": 1, "most": 2}},
    ],
)
def test_raw_vectors_find_what_the_same_numbers_in_json_find(shop: LiveApp, options: dict[str, Any]) -> None:
    flat = {name: ",".join(v) if name == "with" else v for name, v in options.items()}
    query = urlencode({name: v if isinstance(v, str) else json.dumps(v) for name, v in flat.items()})
    raw = _raw(shop, query)
    assert raw.status_code == 200, raw.text
    in_json = shop.post("search", {"vectors": QUERIES.tolist(), **options})
    assert raw.json() == in_json.json()
    assert raw.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("query", "body", "status", "named"),
    [
        ("", QUERIES.tobytes()[:-1], 422, "the body has 95 bytes, but one embedding is 32"),
        ("", b"", 422, "the body has 0 bytes"),
        ("", np.full(DIMENSION, np.nan, "<f4").tobytes(), 422, r"the body[0] holds a number outside float32"),
        ("", QUERIES.tobytes() * 6, 413, "18 entries"),
        ("k=0", QUERIES.tobytes(), 422, "k: "),
        ("k=ten", QUERIES.tobytes(), 422, "'k' is not JSON"),
        ("k=1&k=2", QUERIES.tobytes(), 422, "'k' is given twice"),
        ("mode=lexical", QUERIES.tobytes(), 422, "'mode' is unknown"),
        ("with=colour", QUERIES.tobytes(), 422, "with[0]"),
        ("filter=%7B%22must%22%3A5%7D", QUERIES.tobytes(), 422, "filter"),
        ("k=101", QUERIES.tobytes(), 422, "k is 101"),
    ],
)
def test_bad_input(shop: LiveApp, query: str, body: bytes, status: int, named: str) -> None:
    response = _raw(shop, query, body)
    assert response.status_code == status, response.text
    assert named in response.json()["detail"]


def test_other_media_types_are_refused(shop: LiveApp) -> None:
    response = shop.post("search", content=b"<a/>", headers={"content-type": "application/xml"})
    assert (response.status_code, response.json()["code"]) == (415, "unsupported-media-type")
    assert shop.post("embed", content=QUERIES.tobytes(), headers=RAW).status_code == 415


def test_every_parameter_is_a_field_of_the_body_and_documented() -> None:
    fields = {field.alias or name for name, field in SearchRequest.model_fields.items()}
    assert set(WRITTEN) < fields
    assert [parameter["name"] for parameter in query_parameters()] == list(WRITTEN)


def test_what_was_read_once_is_kept_and_errors_are_not() -> None:
    assert search_options(b"k=7&with=attributes") is search_options(b"k=7&with=attributes")
    long = b"k=7&filter=" + b"%20" * 200 + b"{}"
    assert search_options(long) is not search_options(long)
    for _ in range(2):
        with pytest.raises(InvalidRequest):
            search_options(b"k=0")
