from pathlib import Path

import httpx
import numpy as np
import pytest
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError

from bundle.workspace import Workspace
from index.store import activate
from tests.service.conftest import settings_for
from tests.service.routes.compat.conftest import call, embedded, native
from tests.service.running import LiveApp
from tests.service.tiny import DIMENSION, build_tiny_index, ids, make_collection, write_tiny_bundle

TEXTS = ["red mug", "blue lamp"]


def test_the_client_embeds_at_the_root_and_at_embed(peer_url: str) -> None:
    wanted = embedded(peer_url, TEXTS)
    for address in (peer_url, f"{peer_url}/embed"):
        got = InferenceClient(address).feature_extraction(TEXTS)
        np.testing.assert_allclose(got, wanted, atol=1e-6)
    one = InferenceClient(peer_url).feature_extraction("red mug", normalize=True, truncate=True)
    np.testing.assert_allclose(one, wanted[:1], atol=1e-6)


def test_the_prompt_name_chooses_the_tower(tmp_path: Path) -> None:
    collection = Workspace(tmp_path).collection("goods")  # its towers differ and read the same feature
    bundle_id = write_tiny_bundle(collection, queries_are="items", asking="title")
    activate(collection, build_tiny_index(collection, tmp_path, ids("g", 5), bundle_id))
    with LiveApp(settings_for(tmp_path, compat={"default_model": "goods/item"})) as app:
        app.ready()
        body: dict[str, object] = {"inputs": "mug"}
        by_default, document, query = (
            call(app, "/embed", body | prompt).json()
            for prompt in ({}, {"prompt_name": "document"}, {"prompt_name": "query"})
        )
        wanted = {
            tower: app.post("embed", {"records": [{"title": "mug"}], "tower": tower}, collection="goods").json()
            for tower in ("query", "item")
        }
        assert app.get("/info").json()["model_id"] == "goods/item"
        counted = app.get("/metrics").text
    assert by_default == document == wanted["item"]["embeddings"] != wanted["query"]["embeddings"] == query
    assert 'tandem_requests_total{collection="goods",route="tei_embed",status="200"} 3.0' in counted


def test_dimensions(peer_url: str) -> None:
    cut = np.array(httpx.post(f"{peer_url}/embed", json={"inputs": TEXTS, "dimensions": 4}).json())
    assert cut.shape == (2, 4)
    np.testing.assert_allclose(np.linalg.norm(cut, axis=1), 1, atol=1e-6)


def test_rerank_gives_scores_between_0_and_1_or_raw_ones(peer_url: str) -> None:
    texts = ["blue lamp", "red mug", "old chair"]
    body = {"query": {"text": "red mug"}, "items": [{"title": text} for text in texts]}
    hits = native(peer_url, "rerank", body)["hits"]
    raw = httpx.post(f"{peer_url}/rerank", json={"query": "red mug", "texts": texts, "raw_scores": True}).json()
    assert raw == [{"index": hit["index"], "score": hit["score"]} for hit in hits]
    mapped = httpx.post(f"{peer_url}/rerank", json={"query": "red mug", "texts": texts, "return_text": True}).json()
    assert [one["text"] for one in mapped] == [texts[hit["index"]] for hit in hits]
    np.testing.assert_allclose([one["score"] for one in mapped], [(1 + hit["score"]) / 2 for hit in hits], atol=1e-6)


def test_info_and_health(peer_url: str) -> None:
    info = httpx.get(f"{peer_url}/info").json()
    served = httpx.get(f"{peer_url}/v1/collections/shelf").json()
    assert (info["model_id"], info["model_sha"], info["max_input_length"]) == ("shelf", served["bundle_id"], 96)
    assert (info["max_client_batch_size"], info["auto_truncate"]) == (16, True)
    assert httpx.get(f"{peer_url}/health").status_code == 200


def test_the_client_reads_our_errors(peer_url: str) -> None:
    with pytest.raises(HfHubHTTPError) as caught:
        InferenceClient(peer_url).feature_extraction(["mug"] * 17)
    assert caught.value.response.json()["error_type"] == "validation"


def test_a_choice_of_collections_needs_the_setting(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "two")
    for name in ("a", "b"):
        make_collection(workspace.collection(name), tmp_path, count=5)
    with LiveApp(settings_for(workspace.root)) as app:
        app.ready()
        response = call(app, "/embed", {"inputs": "mug"})
        assert (response.status_code, response.json()["error_type"]) == (422, "validation")
        assert "(a, b)" in response.json()["error"]
        assert len(call(app, "/v1/embeddings", {"model": "b", "input": "mug"}).json()["data"]) == 1
        rerank = call(app, "/v1/rerank", {"query": "mug", "documents": ["mug"]})
        assert (rerank.status_code, "compat.default_model" in rerank.json()["message"]) == (422, True)


@pytest.mark.parametrize(
    ("path", "body", "status", "named"),
    [
        ("/embed", {"inputs": ["a"] * 17}, 422, "17 entries"),
        ("/embed", {"inputs": [[1, 2]]}, 422, "tokenizer"),
        ("/embed", {"inputs": "a", "truncate": False}, 422, "always cut"),
        ("/embed", {"inputs": "a", "prompt_name": "title"}, 422, "prompt_name"),
        ("/embed", {"inputs": "a", "dimensions": DIMENSION - 1}, 422, "dimensions"),
        ("/", {"inputs": "x" * 100_000}, 413, "100000 bytes"),
        ("/", {"inputs": ""}, 422, "empty"),
        ("/rerank", {"query": "a", "texts": []}, 422, "no documents"),
        ("/rerank", {"query": "a", "texts": ["b"], "truncate": False}, 422, "always cut"),
    ],
)
def test_errors_are_flat(shop: LiveApp, path: str, body: dict[str, object], status: int, named: str) -> None:
    response = call(shop, path, body)
    assert response.status_code == status, response.text
    assert list(response.json()) == ["error", "error_type"]
    assert named in response.json()["error"]
    assert response.json()["error_type"] == "validation"
