from collections.abc import Iterator
from typing import Any

import cohere
import httpx
import numpy as np
import pytest
from cohere.core.api_error import ApiError

from tests.service.routes.compat.conftest import call, native
from tests.service.running import LiveApp

QUERY = "red mug"
TEXTS = ["blue lamp", "red mug", "old red chair"]


def _native_scores(url: str) -> dict[int, float]:
    body = {"query": {"text": QUERY}, "items": [{"title": text} for text in TEXTS]}
    return {hit["index"]: hit["score"] for hit in native(url, "rerank", body)["hits"]}


@pytest.fixture
def client(peer_url: str) -> Iterator[cohere.ClientV2]:
    with cohere.ClientV2(api_key="none", base_url=peer_url) as client:
        yield client


def test_the_second_client_gets_the_native_order_and_mapped_cosines(client: cohere.ClientV2, peer_url: str) -> None:
    answer = client.rerank(model="shelf", query=QUERY, documents=TEXTS)
    scores = _native_scores(peer_url)
    assert [result.index for result in answer.results] == sorted(scores, key=lambda index: -scores[index])
    np.testing.assert_allclose(
        [result.relevance_score for result in answer.results],
        [(1 + scores[result.index]) / 2 for result in answer.results],
        atol=1e-6,
    )
    assert answer.results[0].relevance_score == pytest.approx(1)


def test_the_first_client_gets_documents_back(peer_url: str) -> None:
    documents = [{"text": text} for text in TEXTS]
    with cohere.Client(api_key="none", base_url=peer_url) as client:
        answer = client.rerank(query=QUERY, documents=documents, top_n=1, return_documents=True)
    (result,) = answer.results
    assert (result.index, result.document.text if result.document else None) == (1, "red mug")
    assert answer.meta is not None and answer.meta.api_version is not None and answer.meta.api_version.version == "1"


def test_the_client_reads_our_errors(client: cohere.ClientV2) -> None:
    with pytest.raises(cohere.NotFoundError) as caught:
        client.rerank(model="rerank-v3.5", query=QUERY, documents=TEXTS)
    assert caught.value.body["message"] == "there is no model 'rerank-v3.5'; there are: shelf, shelf/item"
    with pytest.raises(ApiError) as refused:
        client.rerank(model="shelf", query=QUERY, documents=TEXTS, max_tokens_per_doc=4)
    assert (refused.value.status_code, "item tower always reads 96" in str(refused.value.body)) == (422, True)


def test_what_jina_sends_is_answered(peer_url: str) -> None:
    documents = [{"text": "blue lamp", "sku": "L1"}, {"text": "red mug", "sku": "M7"}]
    body: dict[str, Any] = {"model": "shelf", "query": QUERY, "documents": documents, "top_n": 5}
    answer = httpx.post(f"{peer_url}/v1/rerank", json={**body, "return_documents": True}).json()
    assert [result["document"] for result in answer["results"]] == documents[::-1]
    plain = httpx.post(f"{peer_url}/v1/rerank", json=body).json()
    assert all(set(result) == {"index", "relevance_score"} for result in plain["results"])


@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank"])
@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ({"query": "a", "documents": []}, 422, "no documents"),
        ({"query": "a", "documents": ["a"] * 21}, 413, "21 entries"),
        ({"query": "a", "documents": ["a", {"title": "b"}]}, 422, "documents[1]"),
        ({"query": "a", "documents": ["a"], "top_n": 0}, 422, "top_n"),
        ({"query": "a", "documents": ["a"], "rank_fields": ["title"]}, 422, "rank_fields"),
        ({"query": "a", "documents": ["a"], "model": "shop/item"}, 422, "name the model 'shop'"),
        ({"query": "", "documents": ["a"]}, 422, "empty"),
    ],
)
def test_errors_are_flat(shop: LiveApp, path: str, body: dict[str, object], status: int, named: str) -> None:
    response = call(shop, path, body)
    assert response.status_code == status, response.text
    error = response.json()
    assert set(error) == {"id", "message", "detail", "code"}
    assert named in error["message"] and error["detail"] == error["message"]
    assert error["id"] == response.headers["x-request-id"]
