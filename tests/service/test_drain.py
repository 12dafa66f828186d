"""A server that is told to go: nothing that it took stays unanswered, and clients are told to go elsewhere."""

import signal
import subprocess
import threading
from pathlib import Path

import httpx
import pytest

from tests.service.processes import serving_process
from tests.service.running import wait_until

SEARCH = "/v1/collections/shop/search"
BODY = {"queries": [{"text": "red mug"}], "k": 5}


@pytest.mark.parametrize("workers", [1, 2])
def test_no_request_fails_while_the_server_leaves_under_load(shop_root: Path, tmp_path: Path, workers: int) -> None:
    faults, told, answered = list[str](), [False] * 6, [0] * 6

    def load(thread: int, url: str) -> None:
        with httpx.Client(base_url=url) as client:
            while not told[thread]:
                try:
                    response = client.post(SEARCH, json=BODY)
                except httpx.TransportError as error:
                    faults.append(repr(error))
                    return
                if response.status_code != 200:
                    faults.append(response.text)
                    return
                answered[thread] += 1
                told[thread] = response.headers.get("connection") == "close"

    with (
        (tmp_path / "log").open("wb") as stderr,
        serving_process(shop_root, tmp_path, stderr, workers=workers, drain_notice_s=1.0) as server,
    ):
        threads = [threading.Thread(target=load, args=(i, server.url)) for i in range(6)]
        for thread in threads:
            thread.start()
        wait_until(lambda: all(count >= 5 for count in answered) or bool(faults))
        server.process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        assert server.process.wait(timeout=30) == 0
    assert not faults, faults[0]
    assert all(told)


def test_during_the_notice_it_is_not_ready_but_answers(shop_root: Path, tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as stderr:
        with serving_process(shop_root, tmp_path, stderr, drain_notice_s=30) as server:
            server.process.send_signal(signal.SIGTERM)
            wait_until(lambda: httpx.get(f"{server.url}/readyz").status_code == 503)
            with pytest.raises(subprocess.TimeoutExpired):  # it would be gone by now, had it not waited
                server.process.wait(timeout=1.5)
            assert httpx.get(f"{server.url}/readyz").json()["status"] == "draining"
            assert httpx.post(f"{server.url}{SEARCH}", json=BODY).status_code == 200
            server.process.send_signal(signal.SIGTERM)  # a second one does not wait
            assert server.process.wait(timeout=20) == 0
