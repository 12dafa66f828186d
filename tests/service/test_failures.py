"""What the page on failures promises: a killed worker, a dead thread, a full disk under the log, a clock that jumps."""

import contextlib
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from service.batching import Outcome
from service.errors import DeadlineExceeded
from service.stages import Stages
from tests.service.bench import Bench, Echo, scenario
from tests.service.processes import ServerProcess, serving_process
from tests.service.running import wait_until

SEARCH = "/v1/collections/shop/search"
BODY = {"item_ids": ["a-00001"], "k": 5}


def test_a_killed_worker_process_is_replaced_while_the_other_answers(shop_root: Path, tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as stderr, serving_process(shop_root, tmp_path, stderr, workers=2) as server:
        victim, other = _workers(server)
        victim.send_signal(signal.SIGKILL)
        wait_until(lambda: not victim.is_running() or victim.status() == psutil.STATUS_ZOMBIE)
        answered = 0
        while answered < 20:  # a connection in the queue of the dead worker is lost; a client asks again
            with contextlib.suppress(httpx.TransportError):
                response = httpx.post(f"{server.url}{SEARCH}", json=BODY)
                assert response.status_code == 200, response.text
                answered += 1
        wait_until(lambda: len(_workers(server)) == 2 and victim.pid not in [one.pid for one in _workers(server)])
        assert other.is_running()
        wait_until(lambda: _search(server) == 200)


def _workers(server: ServerProcess) -> list[psutil.Process]:
    """The worker processes: children that Python's multiprocessing spawned, without its resource tracker."""
    workers = []
    for child in psutil.Process(server.process.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):  # also of one that has ended and was not waited for yet
            if "spawn_main" in " ".join(child.cmdline()):
                workers.append(child)
    return workers


def _search(server: ServerProcess) -> int:
    return httpx.post(f"{server.url}{SEARCH}", json=BODY).status_code


def test_a_log_on_a_full_disk_neither_ends_serving_nor_its_start(shop_root: Path, tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full, serving_process(shop_root, tmp_path, full) as server:
        for _ in range(5):
            assert _search(server) == 200

        def dropped() -> float:
            text = httpx.get(f"{server.url}/metrics").text
            return float(
                next(line for line in text.splitlines() if line.startswith("tandem_log_lines_dropped")).split()[1]
            )

        wait_until(lambda: dropped() >= 5)


JUMPING_CLOCK = """
import datetime, time
_real, _started = time.time, time.time()
def _jumping():
    elapsed = _real() - _started
    return _real() + (0, 86_400, -86_400)[int(elapsed * 10) % 3]
time.time = _jumping
"""


def test_a_clock_that_jumps_by_a_day_ten_times_a_second_changes_no_answer(shop_root: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as stderr, serving_process(shop_root, tmp_path, stderr, prelude=JUMPING_CLOCK) as server:
        with httpx.Client(base_url=server.url, headers={"X-Request-Timeout-Ms": "5000"}) as client:
            answers = [client.post(SEARCH, json=BODY) for _ in range(50)]
            assert {one.status_code for one in answers} == {200}
            assert len({one.content for one in answers}) == 1
            assert client.get("/readyz").status_code == 200
    assert '"level":"error"' not in log.read_text()


class Fatal(Echo):
    """Ends the thread that runs it."""

    def run(self, payloads: Sequence[Any], stages: Stages) -> list[Outcome]:
        raise SystemExit


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_where_the_worker_ended_requests_are_late() -> None:
    async def work() -> None:
        bench, echo = Bench(deadline_s=0.05, max_pending_records=2), Echo()
        for operation in (Fatal(), echo, echo, echo):
            with pytest.raises(DeadlineExceeded):
                await bench.submit(operation, b"late")
        assert not bench.batcher.is_alive() and echo.runs == []

    scenario(work)
