import inspect
import json
from pathlib import Path

import httpx
import numpy as np
import pytest

from bundle.workspace import Workspace
from client import AsyncClient, Client, Retries
from client.errors import AccessDenied, ConnectionFailed, InvalidRequest, NotFound, NotReady, Overloaded
from index.store import current
from tests.client.scripted import LOST, SLOW, Scripted, ScriptedServer
from tests.service.tiny import DIMENSION, build_tiny_index, ids

SERVED = {"collection": "shop", "bundle_id": "b", "index_version": "v"}
DONE = Scripted(200, json.dumps(SERVED | {"hits": []}))
FULL = Scripted(429, json.dumps({"code": "overloaded", "detail": "full"}), {"retry-after": "0", "x-request-id": "r1"})
AT_ONCE = Retries(tries=3, first_wait_s=0)


def _rerank(server: ScriptedServer, retries: Retries = AT_ONCE, timeout_s: float = 5) -> int:
    """Hits of one request, or the error that the client raises."""
    with Client(server.url, retries=retries, timeout_s=timeout_s) as client:
        return len(client.rerank("shop", query={"text": "mug"}, item_ids=["a"]).hits)


def test_embed_gives_float32_arrays_equal_to_the_wire(client: Client, url: str) -> None:
    records = [{"title": "red mug"}, {"title": "blue lamp"}]
    answer = client.embed("shop", records, tower="item")
    assert answer.vectors.dtype == np.float32 and answer.vectors.shape == (2, DIMENSION)
    plain = httpx.post(f"{url}/v1/collections/shop/embed", json={"records": records, "tower": "item"}).json()
    np.testing.assert_array_equal(answer.vectors, np.array(plain["embeddings"], dtype=np.float32))
    assert (answer.collection, answer.bundle_id) == ("shop", plain["bundle_id"])


def test_search_by_records_by_their_vectors_and_by_items(client: Client) -> None:
    queries = [{"text": "red mug"}, {"text": "blue lamp"}]
    by_records = client.search("shop", queries=queries, k=3, with_=["attributes", "semantic_id", "vector"])
    by_vectors = client.search("shop", vectors=client.embed("shop", queries).vectors, k=3)
    for one, other in zip(by_records.results, by_vectors.results, strict=True):
        assert [hit.item_id for hit in one.hits] == [hit.item_id for hit in other.hits]
    hit = by_records.results[0].hits[0]
    assert hit.attributes and set(hit.attributes) == {"title", "price"} and hit.semantic_id and hit.vector
    assert by_vectors.results[0].hits[0].attributes is None
    assert not by_records.results[0].exhaustive
    (item,) = client.search("shop", item_ids=["a-00007"], k=50).results
    assert item.exhaustive and len(item.hits) == 49


def test_groups(client: Client) -> None:
    (result,) = client.search("shop", item_ids=["a-00007"], k=2, group_by={"level": 1, "most": 2}).results
    assert result.hits == () and len(result.groups) == 2
    assert all(len(group.hits) <= 2 and group.prefix.isdecimal() for group in result.groups)


def test_rerank(client: Client) -> None:
    items = [{"title": "blue lamp"}, {"title": "red mug", "item_id": "mine"}]
    answer = client.rerank("shop", query={"text": "red mug"}, items=items, k=1)
    assert [(hit.index, hit.item_id) for hit in answer.hits] == [(1, "mine")]
    vector = client.embed("shop", [{"text": "red mug"}]).vectors[0]
    assert client.rerank("shop", vector=vector, items=items).hits[0] == answer.hits[0]


def test_semantic_ids_there_and_back(client: Client) -> None:
    (encoded,) = client.semantic_ids("shop", item_ids=["a-00007"]).semantic_ids
    (decoded,) = client.decode("shop", [encoded.semantic_id], with_=["attributes"]).results
    assert "a-00007" in [item.item_id for item in decoded.items] and decoded.items[0].attributes
    vectors = client.embed("shop", [{"title": "red mug"}], tower="item").vectors
    by_record = client.semantic_ids("shop", records=[{"title": "red mug"}], tower="item")
    assert client.semantic_ids("shop", vectors=vectors) == by_record
    root = client.prefix("shop", [], k=5)
    assert (root.count, len(root.items), sum(child.count for child in root.children)) == (50, 5, 50)
    below = client.prefix("shop", [root.children[0].code])
    assert below.count == root.children[0].count


def test_collections_and_activate(client: Client, workspace: Workspace, tmp_path: Path) -> None:
    (info,) = client.collections()
    assert info == client.collection("shop")
    assert (info.ready, info.count, info.dimension, info.metric) == (True, 50, DIMENSION, "cosine")
    assert info.details["queries_are"] == "queries"
    collection = workspace.collection("shop")
    before = current(collection)
    version = build_tiny_index(collection, tmp_path, ids("b", 7))
    answer = client.activate("shop", version)
    assert (answer.index_version, answer.previous_version) == (version, before)
    assert client.collection("shop").count == 7
    client.activate("shop", str(before))


def test_problems_are_typed_errors(client: Client, url: str) -> None:
    with pytest.raises(NotFound, match=r"404 unknown-item: .*nobody") as unknown:
        client.search("shop", item_ids=["nobody"])
    assert (unknown.value.code, unknown.value.status) == ("unknown-item", 404)
    assert unknown.value.request_id != "unknown"
    with pytest.raises(NotFound) as nowhere:
        client.search("no/where?", item_ids=["a"])
    assert nowhere.value.status == 404
    with pytest.raises(InvalidRequest, match="exactly one of"):
        client.search("shop")
    with Client(url) as stranger, pytest.raises(AccessDenied) as denied:
        stranger.activate("shop", "v1")
    assert denied.value.code == "key-required"


def test_what_is_refused_or_lost_is_sent_again() -> None:
    not_ready = Scripted(503, '{"code": "not-ready", "detail": "loading"}')
    for trouble in (FULL, not_ready, LOST):
        with ScriptedServer(trouble, trouble, DONE) as server:
            assert _rerank(server) == 0
            assert server.seen == ["/v1/collections/shop/rerank"] * 3


def test_tries_are_bounded() -> None:
    with ScriptedServer(*[FULL] * 9) as server, pytest.raises(Overloaded, match=r"429 overloaded: full \(request r1\)"):
        _rerank(server)
    assert len(server.seen) == 3
    with ScriptedServer(*[LOST] * 9) as server, pytest.raises(ConnectionFailed):
        _rerank(server)
    assert len(server.seen) == 3


def test_a_longer_wait_than_allowed_is_left_to_the_caller() -> None:
    patient = Scripted(503, "{}", {"retry-after": "60"})
    with ScriptedServer(patient, DONE) as server, pytest.raises(NotReady) as caught:
        _rerank(server)
    assert (caught.value.retry_after_s, len(server.seen)) == (60, 1)


@pytest.mark.parametrize("status", [400, 404, 409, 413, 422, 500, 504])
def test_what_would_fail_again_is_sent_once(status: int) -> None:
    with ScriptedServer(Scripted(status), DONE) as server, pytest.raises(Exception, match=str(status)):
        _rerank(server)
    assert len(server.seen) == 1


def test_what_timed_out_is_not_sent_again() -> None:
    with ScriptedServer(SLOW, DONE) as server, pytest.raises(ConnectionFailed, match="ReadTimeout") as caught:
        _rerank(server, timeout_s=0.1)
    assert (caught.value.was_sent, len(server.seen)) == (True, 1)


def test_activate_is_never_sent_again() -> None:
    for trouble in (FULL, LOST):
        with ScriptedServer(trouble, DONE) as server, Client(server.url, retries=AT_ONCE) as client:
            with pytest.raises((Overloaded, ConnectionFailed)):
                client.activate("shop", "v1")
            assert len(server.seen) == 1


def test_nobody_listens() -> None:
    with ScriptedServer() as server:
        url = server.url
    with Client(url, retries=AT_ONCE) as client, pytest.raises(ConnectionFailed, match="ConnectError"):
        client.collections()


def test_both_clients_have_the_same_methods() -> None:
    def methods(kind: type) -> dict[str, str]:
        return {
            name: str(inspect.signature(method)).replace(kind.__name__, "Client")
            for name, method in vars(kind).items()
            if inspect.isfunction(method) and not name.startswith("_")
        }

    assert methods(Client) == methods(AsyncClient)
    assert len(methods(Client)) == 10
