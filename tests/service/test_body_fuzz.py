"""Bodies that no client would write: whatever comes, the answer is a problem or a result, never a 500 and no crash."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.service.running import LiveApp

ROUTES = ["search", "embed", "rerank", "semantic-ids"]
COMPAT = ["/v1/embeddings", "/v1/rerank", "/embed", "/rerank"]
QUIETLY: dict[str, Any] = {
    "deadline": None,
    "derandomize": True,
    "database": None,
    "max_examples": 100,
    "suppress_health_check": list(HealthCheck),
}
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(["price", "title", "in_stock", "nothing", "", "a.b", "\x00", "price" * 50])
VALUES = st.integers() | st.floats() | st.text(max_size=10) | st.booleans() | st.none() | st.lists(st.text(max_size=3))
CONDITIONS = st.one_of(
    st.fixed_dictionaries({"key": FIELDS, "match": st.dictionaries(st.sampled_from(["value", "any", "text"]), VALUES)}),
    st.fixed_dictionaries({"key": FIELDS, "range": st.dictionaries(st.sampled_from(["gt", "lte", "x"]), VALUES)}),
    st.fixed_dictionaries({"has_id": st.lists(st.text(max_size=8) | st.integers(), max_size=5)}),
    st.fixed_dictionaries({"is_null": st.fixed_dictionaries({"key": FIELDS})}),
    ANY_JSON,
)
FILTERS = st.recursive(
    CONDITIONS,
    lambda inner: st.dictionaries(
        st.sampled_from(["must", "should", "must_not", "min_should", "mist"]),
        st.lists(inner, max_size=4)
        | inner
        | st.fixed_dictionaries({"min_count": VALUES, "conditions": st.lists(inner)}),
        max_size=3,
    ),
    max_leaves=10,
)
BASE64_LIKE = st.one_of(
    st.binary(max_size=80).map(lambda data: base64.b64encode(data).decode()),
    st.text(alphabet="ABCabc012+/=-_ \n", max_size=60),
    st.text(max_size=20),
)


def _check(shop: LiveApp, path: str, content: bytes) -> None:
    response = shop.run(shop.client.post(path, content=content, headers={"content-type": "application/json"}))
    assert response.status_code in (200, 400, 404, 413, 422, 424, 429), (response.status_code, content, response.text)
    answer = response.json()
    if response.status_code != 200 and path.startswith("/v1/collections"):
        assert {"type", "title", "status", "detail", "code"} <= answer.keys()
        assert answer["detail"]


def _fuzz(shop: LiveApp, path: str, bodies: st.SearchStrategy[bytes]) -> None:
    @settings(**QUIETLY)
    @given(content=bodies)
    def check(content: bytes) -> None:
        _check(shop, path, content)

    check()


def _written(
    strategy: st.SearchStrategy[Any], wrap: Callable[[Any], Any] = lambda value: value
) -> st.SearchStrategy[bytes]:
    """JSON with NaN and infinity as Python writes them, which no JSON parser must take."""
    return strategy.map(lambda value: json.dumps(wrap(value)).encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("path", [*(f"/v1/collections/shop/{route}" for route in ROUTES), *COMPAT])
def test_bytes_that_are_no_request(shop: LiveApp, path: str) -> None:
    cut = _written(ANY_JSON).flatmap(lambda whole: st.integers(0, len(whole)).map(lambda end: whole[:end]))
    _fuzz(shop, path, st.binary(max_size=200) | _written(ANY_JSON) | cut)


@pytest.mark.parametrize("path", ["/v1/collections/shop/search", "/v1/embeddings"])
@pytest.mark.parametrize("deep", [b"[" * 50_000, b'{"a":' * 16_000, b'{"filter":{"must":[' * 3_000])
def test_nesting_without_end(shop: LiveApp, path: str, deep: bytes) -> None:
    _check(shop, path, deep)


def test_filters(shop: LiveApp) -> None:
    _fuzz(shop, "/v1/collections/shop/search", _written(FILTERS, lambda one: {"item_ids": ["a-00001"], "filter": one}))


def test_vectors_as_base64(shop: LiveApp) -> None:
    vectors = st.lists(BASE64_LIKE, min_size=1, max_size=3)
    _fuzz(shop, "/v1/collections/shop/search", _written(vectors, lambda value: {"vectors": value, "k": 2}))
    _fuzz(shop, "/v1/collections/shop/rerank", _written(BASE64_LIKE, lambda v: {"vector": v, "item_ids": ["a-00001"]}))


def test_vectors_of_anything(shop: LiveApp) -> None:
    numbers = st.lists(st.floats() | st.integers() | ANY_JSON, max_size=20)
    _fuzz(
        shop, "/v1/collections/shop/search", _written(st.lists(numbers, max_size=3), lambda value: {"vectors": value})
    )


@pytest.mark.parametrize("path", COMPAT)
def test_texts_of_anything(shop: LiveApp, path: str) -> None:
    texts = st.text(max_size=50) | st.lists(st.text(max_size=20) | ANY_JSON, max_size=4)
    names = {"/v1/embeddings": "input", "/embed": "inputs", "/v1/rerank": "documents", "/rerank": "texts"}
    _fuzz(shop, path, _written(texts, lambda value: {"model": "shop", "query": "a mug", names[path]: value}))
