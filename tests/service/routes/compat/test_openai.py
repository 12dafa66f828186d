import asyncio
import base64
from collections.abc import Iterator

import httpx
import numpy as np
import openai
import pytest

from bundle.features import TextFeature
from bundle.ngrams import ngram_hasher
from tests.service.routes.compat.conftest import call, embedded, native
from tests.service.running import LiveApp
from tests.service.tiny import BUCKETS

TEXTS = ["red mug", "blue lamp", "old chair"]


@pytest.fixture
def client(peer_url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{peer_url}/v1", api_key="none", max_retries=0) as client:
        yield client


def test_the_client_gets_what_the_native_route_gives(client: openai.OpenAI, peer_url: str) -> None:
    answer = client.embeddings.create(model="shelf", input=TEXTS)  # asks for base64 by itself
    got = np.array([one.embedding for one in answer.data], dtype=np.float32)
    np.testing.assert_array_equal(got, embedded(peer_url, TEXTS))
    assert [one.index for one in answer.data] == [0, 1, 2]
    assert (answer.object, answer.model) == ("list", "shelf")


def test_floats_the_item_tower_and_a_single_text(client: openai.OpenAI, peer_url: str) -> None:
    answer = client.embeddings.create(model="shelf/item", input="red mug", encoding_format="float", user="me")
    np.testing.assert_array_equal(
        np.array(answer.data[0].embedding, dtype=np.float32), embedded(peer_url, ["red mug"], "item")[0]
    )


def test_base64_on_the_wire_is_little_endian_float32(peer_url: str) -> None:
    body = {"model": "shelf", "input": ["red mug"], "encoding_format": "base64"}
    text = httpx.post(f"{peer_url}/v1/embeddings", json=body).json()["data"][0]["embedding"]
    np.testing.assert_array_equal(np.frombuffer(base64.b64decode(text), "<f4"), embedded(peer_url, ["red mug"])[0])


def test_usage_counts_what_the_tower_read(client: openai.OpenAI) -> None:
    hasher = ngram_hasher(TextFeature(name="text", buckets=BUCKETS))
    answer = client.embeddings.create(model="shelf", input=TEXTS)
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == sum(len(hasher(text)) for text in TEXTS)


def test_dimensions_cut_and_give_unit_length_again(client: openai.OpenAI, peer_url: str) -> None:
    answer = client.embeddings.create(model="shelf", input=TEXTS, dimensions=4)
    got = np.array([one.embedding for one in answer.data], dtype=np.float32)
    head = embedded(peer_url, TEXTS)[:, :4]
    np.testing.assert_allclose(got, head / np.linalg.norm(head, axis=1, keepdims=True), atol=1e-6)


def test_the_native_route_cuts_the_same_way(client: openai.OpenAI, peer_url: str) -> None:
    answer = native(peer_url, "embed", {"records": [{"text": "red mug"}], "dimensions": 4})
    assert answer["dimension"] == 4
    got = client.embeddings.create(model="shelf", input="red mug", dimensions=4, encoding_format="float")
    assert answer["embeddings"][0] == got.data[0].embedding


def test_untrained_dimensions_are_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="8, 4") as caught:
        client.embeddings.create(model="shelf", input="red mug", dimensions=5)
    assert caught.value.param == "dimensions"
    assert caught.value.type == "invalid_request_error"


def test_token_ids_are_refused_with_the_reason(client: openai.OpenAI) -> None:
    for tokens in ([1, 2, 3], [[1, 2], [3]]):
        with pytest.raises(openai.BadRequestError, match="tokenizer of its own"):
            client.embeddings.create(model="shelf", input=tokens)


def test_models(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["shelf", "shelf/item"]
    assert client.models.retrieve("shelf/item").object == "model"
    assert client.models.retrieve("shelf/query").id == "shelf"
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("text-embedding-3-small")
    assert caught.value.code == "model_not_found"
    assert "shelf, shelf/item" in caught.value.message


def test_the_asynchronous_client(peer_url: str) -> None:
    async def ask() -> int:
        async with openai.AsyncOpenAI(base_url=f"{peer_url}/v1", api_key="none") as client:
            answers = await asyncio.gather(*[client.embeddings.create(model="shelf", input=TEXTS) for _ in range(8)])
            return sum(len(answer.data) for answer in answers)

    assert asyncio.run(ask()) == 24


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"model": "nope", "input": "a"}, 404, "model_not_found", "model"),
        ({"model": "shop/other", "input": "a"}, 404, "model_not_found", "model"),
        ({"model": "shop", "input": ["a"] * 17}, 413, "batch-too-large", None),
        ({"model": "shop", "input": []}, 400, "invalid-request", "input"),
        ({"model": "shop", "input": ["a", None]}, 400, "invalid-request", "input"),
        ({"model": "shop", "input": ""}, 400, "invalid-record", None),
        ({"model": "shop", "input": "a", "what": 1}, 400, "invalid-request", None),
        ({"model": "shop", "input": "a", "dimensions": 4}, 400, "invalid-request", "dimensions"),
        ({"model": "shop", "input": "x" * 100_000}, 413, "body-too-large", None),
    ],
)
def test_errors_have_the_nested_shape(
    shop: LiveApp, body: dict[str, object], status: int, code: str, param: str | None
) -> None:
    response = call(shop, "/v1/embeddings", body)
    assert (response.status_code, response.headers["content-type"]) == (status, "application/json")
    (error,) = response.json().values()
    assert list(error) == ["message", "type", "param", "code"]
    assert (error["code"], error["param"]) == (code, param)


def test_a_wrong_method_has_the_nested_shape_too(shop: LiveApp) -> None:
    response = shop.get("/v1/embeddings")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert response.json()["error"]["code"] == "method-not-allowed"
