import numpy as np
import pytest

from service.schemas.rerank import RerankAnswer
from tests.service.running import LiveApp
from tests.service.tiny import ids


def test_item_ids_get_the_scores_that_search_gives(shop: LiveApp) -> None:
    found = shop.post("search", {"queries": [{"text": "red mug"}], "k": 50}).json()["results"][0]["hits"]
    wanted = {hit["item_id"]: hit["score"] for hit in found}
    answer = shop.post("rerank", {"query": {"text": "red mug"}, "item_ids": ids("a", 20)}).json()
    RerankAnswer.model_validate(answer)
    assert [hit["item_id"] for hit in answer["hits"]] == [ids("a", 20)[hit["index"]] for hit in answer["hits"]]
    np.testing.assert_allclose(
        [hit["score"] for hit in answer["hits"]], [wanted[hit["item_id"]] for hit in answer["hits"]], atol=1e-5
    )
    scores = [hit["score"] for hit in answer["hits"]]
    assert scores == sorted(scores, reverse=True)


def test_records_and_vectors(shop: LiveApp) -> None:
    items = [{"title": "blue lamp"}, {"title": "red mug", "item_id": "mine"}]
    answer = shop.post("rerank", {"query": {"text": "red mug"}, "items": items, "k": 1}).json()
    assert len(answer["hits"]) == 1
    assert (answer["hits"][0]["index"], answer["hits"][0]["item_id"]) == (1, "mine")
    vector = shop.post("embed", {"records": [{"text": "red mug"}]}).json()["embeddings"][0]
    again = shop.post("rerank", {"vector": vector, "items": items}).json()
    assert [hit["index"] for hit in again["hits"]] == [1, 0]


def test_equal_scores_keep_the_order_of_the_request(shop: LiveApp) -> None:
    items = [{"title": "red mug"}] * 5
    answer = shop.post("rerank", {"query": {"text": "red"}, "items": items}).json()
    assert [hit["index"] for hit in answer["hits"]] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ({"item_ids": ["a-00001"]}, 422, "query, vector"),
        ({"query": {"text": "a"}}, 422, "items, item_ids"),
        ({"query": {"text": "a"}, "item_ids": ["nope"]}, 404, "nope"),
        ({"query": {"text": "a"}, "items": [{"title": "a"}, {"price": 1}]}, 422, "record 1"),
        ({"query": {"text": "a"}, "items": [{"title": "a", "item_id": 3}]}, 422, "items[0].item_id"),
        ({"query": {"text": "a"}, "item_ids": ["a"] * 21}, 413, "21 entries"),
        ({"vector": [1.0], "item_ids": ["a-00001"]}, 422, "vector[0] has 1 numbers"),
        ({"query": {"nope": 1}, "item_ids": ["a-00001"]}, 422, "nope"),
    ],
)
def test_bad_input(shop: LiveApp, body: dict[str, object], status: int, named: str) -> None:
    response = shop.post("rerank", body)
    assert response.status_code == status, response.text
    assert named in response.json()["detail"]
