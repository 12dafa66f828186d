import json
import re
import signal
import ssl
import threading
from pathlib import Path

import httpx
import pytest
import trustme

from bundle.errors import ConfigError
from bundle.workspace import Collection, Workspace
from index.store import activate
from service.server import serve
from tests.service.conftest import settings_for
from tests.service.processes import ADMIN_KEY, serving_process
from tests.service.running import listening, wait_until
from tests.service.tiny import build_tiny_index, ids, make_collection, write_tiny_bundle


def test_wrong_settings_stop_the_start(tmp_path: Path) -> None:
    path = tmp_path / "server.toml"
    path.write_text("[server]\nprot = 1\n")
    with pytest.raises(ConfigError, match="server.prot"):
        serve(path)


def test_a_signal_ends_the_server_cleanly_and_the_log_is_json(shop_root: Path, tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    with log.open("wb") as stderr, serving_process(shop_root, tmp_path, stderr) as server:
        response = httpx.post(f"{server.url}/v1/collections/shop/search", json={"item_ids": ["a-00001"], "k": 3})
        assert response.status_code == 200
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=30) == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert ADMIN_KEY not in log.read_text()
    assert lines[0]["event"] == "server starting" and lines[0]["settings"]["server"]["workers"] == 1
    request = next(line for line in lines if line["event"] == "request" and line["route"] == "search")
    assert request["request_id"] == response.headers["x-request-id"]
    assert (request["status"], request["k"], request["records"]) == (200, 3, 1)
    assert request["index_version"] == response.json()["index_version"]
    assert {"queue", "search", "write"} <= request["stages_ms"].keys()


def test_several_workers_serve_sum_their_metrics_and_follow_the_settings(shop_root: Path, tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    with log.open("wb") as stderr, serving_process(shop_root, tmp_path, stderr, workers=2) as server:
        for _ in range(20):  # a new connection each time, so that both workers are met
            assert _search(server.url) == 200
        text = httpx.get(f"{server.url}/metrics").text
        count = re.search(r'tandem_requests_total{collection="shop",route="search",status="200"} (\d+)', text)
        assert count is not None and int(count[1]) == 20
        with (tmp_path / "server.toml").open("a") as file:
            file.write("[limits]\nmax_k = 20\n")
        wait_until(lambda: log.read_text().count('"event":"settings read again"') == 2)
        wait_until(lambda: {_search(server.url, k=30) for _ in range(8)} == {422})


def _search(url: str, k: int = 10) -> int:
    return httpx.post(f"{url}/v1/collections/shop/search", json={"item_ids": ["a-00001"], "k": k}).status_code


@pytest.fixture
def two_versions(tmp_path: Path) -> tuple[Collection, list[tuple[str, str, str]]]:
    """A collection with two versions of two bundles whose items are named `a-` and `b-`."""
    collection = Workspace(tmp_path).collection("shop")
    bundle_a, version_a = make_collection(collection, tmp_path, count=30, prefix="a")
    bundle_b = write_tiny_bundle(collection, seed=5)
    version_b = build_tiny_index(collection, tmp_path, ids("b", 30), bundle_b)
    return collection, [("a-", bundle_a, version_a), ("b-", bundle_b, version_b)]


def test_swaps_under_load_fail_nothing_and_mix_nothing(
    two_versions: tuple[Collection, list[tuple[str, str, str]]], tmp_path: Path
) -> None:
    collection, versions = two_versions
    made = {(bundle_id, version): prefix for prefix, bundle_id, version in versions}
    stop, faults, seen = threading.Event(), list[str](), set[str]()
    answered = [0] * 4

    def load(thread: int, url: str) -> None:
        with httpx.Client(base_url=url) as client:
            while not stop.is_set():
                body = {"queries": [{"text": "red mug"}], "k": 5, "with": ["attributes", "semantic_id", "vector"]}
                response = client.post("/v1/collections/shop/search", json=body)
                answer = response.json()
                if response.status_code != 200:
                    faults.append(response.text)
                    return
                prefix = made.get((answer["bundle_id"], answer["index_version"]), "unknown pair")
                if not all(hit["item_id"].startswith(prefix) for hit in answer["results"][0]["hits"]):
                    faults.append(f"mixed: {answer}")
                seen.add(prefix)
                answered[thread] += 1

    with listening(settings_for(tmp_path)) as url:
        threads = [threading.Thread(target=load, args=(i, url)) for i in range(4)]
        for thread in threads:
            thread.start()
        for turn in range(1, 9):
            version = versions[turn % 2][2]
            activate(collection, version)
            wait_until(lambda: httpx.get(f"{url}/v1/collections/shop").json()["index_version"] == version)  # noqa: B023
            before = sum(answered)
            wait_until(lambda: sum(answered) >= before + 20 or bool(faults))  # noqa: B023
        stop.set()
        for thread in threads:
            thread.join()
    assert not faults, faults[0]
    assert seen == {"a-", "b-"}


def test_with_a_certificate_it_speaks_tls_alone(shop_root: Path, tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    for one in certificate.cert_chain_pems:
        one.write_to_path(chain, append=True)
    certificate.private_key_pem.write_to_path(key)
    server = {"port": 0, "host": "localhost", "tls_certificate": chain, "tls_key": key}
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with listening(settings_for(shop_root, server=server), verify=context) as url:
        assert url.startswith("https://")
        assert httpx.get(f"{url}/readyz", verify=context).json()["collections"].keys() == {"shop"}
        with pytest.raises(httpx.TransportError):
            httpx.get(url.replace("https://", "http://") + "/readyz")
        with pytest.raises(httpx.ConnectError, match="certificate"):
            httpx.get(f"{url}/readyz")


def test_half_a_tls_configuration_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "server.toml"
    path.write_text('[server]\ntls_certificate = "chain.pem"\n')
    with pytest.raises(ConfigError, match="tls_certificate and tls_key belong together"):
        serve(path)


@pytest.mark.parametrize("workers", [1, 2])
def test_files_without_which_no_server_starts_are_named_before_any_worker_does(workers: int, tmp_path: Path) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    certificate, chain, key = authority.issue_cert("localhost"), tmp_path / "chain.pem", tmp_path / "key.pem"
    certificate.cert_chain_pems[0].write_to_path(chain)
    stranger.issue_cert("localhost").private_key_pem.write_to_path(key)
    path = tmp_path / "server.toml"
    head = f'workspace = "{tmp_path}"\n[server]\nworkers = {workers}\n'
    for tail, says in (
        (f'tls_certificate = "{chain}"\ntls_key = "{key}"\n', "PEM files that belong together"),
        (f'tls_certificate = "{chain}"\ntls_key = "{tmp_path / "none.pem"}"\n', "No such file"),
        (f'[security]\nkeys_file = "{tmp_path / "none.json"}"\n', "tandem keys create"),
    ):
        path.write_text(head + tail)
        with pytest.raises(ConfigError, match=says):
            serve(path)
