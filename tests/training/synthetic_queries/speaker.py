"""An endpoint for tests: a real HTTP server that speaks chat completions, and can be told to misbehave."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-test-0123456789abcdef"


@dataclass
class Reply:
    """What one request is answered with."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    after_s: float = 0.0


def completion(
    text: str | None, tokens_in: int = 100, tokens_out: int = 20, *, usage: bool = True, finish: str = "stop"
) -> Reply:
    message = {"role": "assistant", "content": text}
    body: dict[str, Any] = {"choices": [{"index": 0, "message": message, "finish_reason": finish}]}
    if usage:
        body["usage"] = {"prompt_tokens": tokens_in, "completion_tokens": tokens_out}
    return Reply(body=json.dumps(body).encode())


def three_lines(prompt: str) -> Reply:
    """Three queries that name the item's own first words."""
    words = " ".join(prompt.split("\n\n")[-1].split()[:4])
    return completion(f"1. where to buy {words}\n2. {words} price\n3. cheap {words}\n")


class Speaker:
    """The server: `replies` are given out first, in order, then `answer` is asked. It remembers what came in."""

    def __init__(self, answer: Callable[[str], Reply]) -> None:
        self.answer = answer
        self.replies: list[Reply] = []
        self.prompts: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.times: list[float] = []
        self.keys: list[str | None] = []
        self.under_way = self.most_under_way = 0
        self._lock = threading.Lock()
        speaker = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                speaker._handle(self)

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["content-length"])))
        prompt = body["messages"][0]["content"]
        with self._lock:
            self.bodies.append(body)
            self.prompts.append(prompt)
            self.times.append(time.monotonic())
            self.keys.append(handler.headers.get("authorization"))
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            reply = self.replies.pop(0) if self.replies else self.answer(prompt)
        if handler.path != "/v1/chat/completions":
            reply = Reply(404, b"no such path")
        time.sleep(reply.after_s)
        with self._lock:
            self.under_way -= 1
        try:
            handler.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(reply.body)
        except OSError:
            pass  # the client gave up

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.02)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def speaking(answer: Callable[[str], Reply] = three_lines) -> Iterator[Speaker]:
    speaker = Speaker(answer)
    thread = threading.Thread(target=speaker.serve)
    thread.start()
    try:
        yield speaker
    finally:
        speaker.close()
        thread.join()
