import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.serving_parts.load import LOST, Answers, ClosedLoop, post, read_head
from benchmarks.serving_parts.open_loop import OpenLoop


class Echo(BaseHTTPRequestHandler):
    """Answers with the body that it gets; 429 to `full`, and ends the connection at `gone`."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave together, so that nothing waits for an acknowledgement

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if body == b"gone":
            self.close_connection = True
            return
        self.send_response(429 if body == b"full" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def length_of_body(answer: bytes) -> int:
    return len(answer.split(b"\r\n\r\n", 1)[1])


def test_a_closed_loop_sends_every_request_in_turn_and_looks_into_every_answer(port: int) -> None:
    requests = [post("/", body) for body in (b"a", b"b" * 200_000, b"full")]
    answers = asyncio.run(ClosedLoop(port, requests, 4, 30, length_of_body).run())
    assert sorted(answers.note) == [1] * 10 + [4] * 10 + [200_000] * 10
    assert (answers.failed, answers.share_of(429), len(answers.latencies_of(200))) == (10, 1 / 3, 20)


def test_a_connection_that_ends_counts_as_one_lost_request(port: int) -> None:
    answers = asyncio.run(ClosedLoop(port, [post("/", b"gone")], 3, 100).run())
    assert answers.status == [LOST] * 3


def test_arrivals_are_all_answered_and_lost_connections_are_opened_again(port: int) -> None:
    requests = [post("/", body) for body in (b"a", b"gone", b"b")]
    answers = asyncio.run(OpenLoop(port, requests, rate=300, seconds=0.4, connections=3, seed=1).run())
    n_sent = len(answers.late_s)
    assert n_sent > 60
    assert len(answers.status) == n_sent
    assert answers.status.count(LOST) == len([turn for turn in range(n_sent) if turn % 3 == 1])
    assert min(answers.late_s) >= 0


def test_an_arrival_that_finds_no_connection_counts_from_its_arrival(port: int) -> None:
    answers = asyncio.run(OpenLoop(port, [post("/", b"a")], rate=2_000, seconds=0.1, connections=1).run())
    pairs = zip(sorted(answers.latency_s), sorted(answers.late_s), strict=True)
    assert all(latency >= late for latency, late in pairs)


def test_heads_are_read_whatever_their_case() -> None:
    assert read_head(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nx: y\r\n\r\n") == (200, 12)
    assert read_head(b"HTTP/1.1 429 Too Many\r\nretry-after: 1\r\ncontent-length:0\r\n\r\n") == (429, 0)


def test_a_request_has_its_key_and_its_headers() -> None:
    request = post("/v1", b"{}", "secret", x_request_timeout_ms="5")
    head, body = request.split(b"\r\n\r\n")
    assert body == b"{}"
    assert head.startswith(b"POST /v1 HTTP/1.1\r\n")
    assert {b"authorization: Bearer secret", b"x-request-timeout-ms: 5", b"content-length: 2"} <= set(
        head.split(b"\r\n")
    )
    assert b"authorization" not in post("/v1", b"{}")


def test_rates_count_what_was_answered_with_200() -> None:
    answers = Answers(status=[200, 200, 429, LOST], wall_s=0.5)
    assert (answers.qps, answers.failed) == (4.0, 2)
