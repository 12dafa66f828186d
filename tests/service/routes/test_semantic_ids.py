from pathlib import Path

import numpy as np
import pytest

from bundle.workspace import Workspace
from index.store import activate
from service.schemas.semantic_ids import DecodeAnswer, EncodeAnswer, PrefixAnswer
from tests.service.conftest import settings_for
from tests.service.running import LiveApp
from tests.service.tiny import WORDS, build_tiny_index, ids, titles, write_tiny_bundle


def test_codes_follow_from_the_embedding(shop: LiveApp) -> None:
    vector = shop.post("embed", {"records": [{"title": "red mug"}], "tower": "item"}).json()["embeddings"][0]
    codes = [int(np.argmax(vector[:4])), int(np.argmax(vector[4:]))]
    by_record = shop.post("semantic-ids", {"records": [{"title": "red mug"}]}).json()
    by_vector = shop.post("semantic-ids", {"vectors": [vector]}).json()
    EncodeAnswer.model_validate(by_record)
    assert by_record["semantic_ids"][0]["codes"] == by_vector["semantic_ids"][0]["codes"] == codes


def test_vectors_may_be_sent_as_embed_gives_them(shop: LiveApp) -> None:
    records = [{"title": title} for title in ("red mug", "old lamp", "blue chair")]
    ask = {"records": records, "tower": "item", "encoding_format": "base64"}
    texts = shop.post("embed", ask).json()["embeddings"]
    by_base64 = shop.post("semantic-ids", {"vectors": texts}).json()["semantic_ids"]
    assert by_base64 == shop.post("semantic-ids", {"records": records}).json()["semantic_ids"]


def test_joined_requests_get_the_codes_that_they_get_alone(shop: LiveApp) -> None:
    vectors = shop.post("embed", {"records": [{"title": title} for title in titles(16)], "tower": "item"}).json()
    bodies: list[object] = [{"vectors": vectors["embeddings"][i : i + 1 + i % 3]} for i in range(14)]
    bodies.append({"records": [{"nope": 1}]})
    for body, response in zip(bodies, shop.post_all("semantic-ids", bodies), strict=True):
        alone = shop.post("semantic-ids", body)
        assert response.status_code == alone.status_code
        assert response.json().get("semantic_ids") == alone.json().get("semantic_ids")


def test_stored_ids_lead_back_to_their_items(shop: LiveApp) -> None:
    wanted = ids("a", 10)
    stored = [one["semantic_id"] for one in shop.post("semantic-ids", {"item_ids": wanted}).json()["semantic_ids"]]
    assert len(set(stored)) == len(wanted)
    answer = shop.post("semantic-ids", {"semantic_ids": stored, "with": ["attributes"]}).json()
    DecodeAnswer.model_validate(answer)
    for item_id, text, result in zip(wanted, stored, answer["results"], strict=True):
        items = {item["item_id"]: item for item in result["items"]}
        assert items[item_id]["semantic_id"] == text
        assert "title" in items[item_id]["attributes"]
        assert "+" not in text or len(items) == 1


def test_the_tree_adds_up(shop: LiveApp) -> None:
    root = shop.post("semantic-ids", {"prefix": [], "k": 60}).json()
    PrefixAnswer.model_validate(root)
    assert root["count"] == 50 == len(root["items"]) == sum(child["count"] for child in root["children"])
    for child in root["children"]:
        below = shop.post("semantic-ids", {"prefix": str(child["code"]), "k": 0}).json()
        assert below["count"] == child["count"] == sum(one["count"] for one in below["children"])
        assert below["items"] == []


def test_a_code_that_no_item_has_gives_no_items(shop: LiveApp) -> None:
    results = [
        shop.post("semantic-ids", {"semantic_ids": [[a, b]]}).json()["results"][0] for a in range(4) for b in range(4)
    ]
    assert sum(result["count"] for result in results) == 50
    nobody = shop.post("semantic-ids", {"semantic_ids": ["0-0+49"]}).json()["results"][0]
    assert (nobody["count"], nobody["items"]) == (0, [])
    beyond = shop.post("semantic-ids", {"semantic_ids": [f"0-0+{2**70}"]}).json()["results"][0]
    assert (beyond["count"], beyond["items"]) == (0, [])


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "exactly one"),
        ({"semantic_ids": ["x"]}, "'x' is not a semantic ID"),
        ({"semantic_ids": ["1"]}, "semantic_ids[0] has 1 codes"),
        ({"semantic_ids": ["0-4"]}, "code 4 is outside"),
        ({"semantic_ids": [[0, -1]]}, "code -1 is outside"),
        ({"semantic_ids": [[0, 2**63 - 1]]}, "is outside"),
        ({"semantic_ids": ["9" * 5000]}, "semantic_ids[0]"),
        ({"semantic_ids": []}, "semantic_ids: "),
        ({"semantic_ids": [[0, 1, 2]]}, "semantic_ids[0] has 3 codes"),
        ({"semantic_ids": [[]]}, "semantic_ids[0] has 0 codes"),
        ({"semantic_ids": [[0, 1.0]]}, "semantic_ids[0]"),
        ({"semantic_ids": [[0, 1], [0, True]]}, "semantic_ids[1]"),
        ({"semantic_ids": [[0, 2**64]]}, "semantic_ids[0]"),
        ({"semantic_ids": ["0-1", "0-1-2"]}, "semantic_ids[1] has 3 codes"),
        ({"semantic_ids": ["0--1"]}, "'0--1' is not a semantic ID"),
        ({"semantic_ids": ["0-1"], "k": 101}, "k is 101"),
        ({"semantic_ids": ["0-1"], "k": -1}, "k: "),
        ({"prefix": [0, -1]}, "code -1 is outside"),
        ({"prefix": [0.0]}, "prefix"),
        ({"prefix": "0-1-2"}, "longer"),
        ({"prefix": "zero"}, "'zero' is not a semantic ID"),
        ({"item_ids": []}, "item_ids: "),
        ({"vectors": []}, "vectors must hold lists"),
        ({"vectors": ["AAAA"]}, "vectors[0] has 3 bytes"),
        ({"prefix": [1, 2, 3]}, "longer"),
        ({"prefix": [9]}, "code 9 is outside"),
        ({"prefix": "1-1+1"}, "no suffix"),
        ({"prefix": [], "k": 101}, "k is 101"),
        ({"vectors": [[1.0]]}, "vectors[0] has 1 numbers"),
        ({"records": [{"text": "a"}]}, "unknown fields"),
    ],
)
def test_bad_input(shop: LiveApp, body: dict[str, object], named: str) -> None:
    response = shop.post("semantic-ids", body)
    assert response.status_code == 422, response.text
    assert named in response.json()["detail"]


def test_a_bundle_without_a_quantizer_says_so(tmp_path: Path) -> None:
    collection = Workspace(tmp_path).collection("shop")
    write_tiny_bundle(collection, semantic_ids=False)
    activate(collection, build_tiny_index(collection, tmp_path, ids("a", 5)))
    with LiveApp(settings_for(tmp_path)) as app:
        app.ready()
        for route, body in [
            ("semantic-ids", {"prefix": []}),
            ("semantic-ids", {"item_ids": ["a-00001"]}),
            ("search", {"item_ids": ["a-00001"], "with": ["semantic_id"]}),
        ]:
            response = app.post(route, body)
            assert (response.status_code, response.json()["code"]) == (409, "no-semantic-ids")


def test_a_decoding_of_too_many_items_is_refused(shop: LiveApp) -> None:
    assert shop.post("semantic-ids", {"semantic_ids": ["0-0"] * 10, "k": 100}).status_code == 200
    response = shop.post("semantic-ids", {"semantic_ids": ["0-0"] * 11, "k": 100})
    assert (response.status_code, response.json()["code"]) == (413, "batch-too-large")
    assert "at most 1000" in response.json()["detail"]


def test_a_prefix_and_its_children_have_names(shop: LiveApp) -> None:
    root = shop.post("semantic-ids", {"prefix": [], "k": 0}).json()
    assert root["name"] is None
    words = set()
    for child in root["children"]:
        below = shop.post("semantic-ids", {"prefix": [child["code"]], "k": 100}).json()
        PrefixAnswer.model_validate(below)
        assert below["name"] == child["name"]
        assert all(one["name"] is None for one in below["children"])
        if child["count"] > 1:
            assert set(child["name"]["items"]) <= {item["item_id"] for item in below["items"]}
            words |= set(child["name"]["words"])
    assert words and words <= set(WORDS)


def test_a_listing_is_paged_through(shop: LiveApp) -> None:
    whole = shop.post("semantic-ids", {"prefix": []}).json()["items"]
    pages = [shop.post("semantic-ids", {"prefix": [], "k": 20, "offset": n}).json()["items"] for n in (0, 20, 40, 60)]
    assert [len(page) for page in pages] == [20, 20, 10, 0]
    assert [item for page in pages for item in page] == whole
    shared = max((item["semantic_id"].partition("+")[0] for item in whole), key=lambda codes: _n_with(shop, codes))
    rest = shop.post("semantic-ids", {"semantic_ids": [shared], "offset": 1}).json()["results"][0]
    assert len(rest["items"]) == rest["count"] - 1 > 0
    assert shop.post("semantic-ids", {"prefix": [], "offset": -1}).status_code == 422


def _n_with(shop: LiveApp, codes: str) -> int:
    count: int = shop.post("semantic-ids", {"semantic_ids": [codes]}).json()["results"][0]["count"]
    return count
