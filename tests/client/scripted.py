"""A server that answers by a script, to see what a client does when things go wrong."""

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

LOST = "lost"  # the connection ends without an answer
SLOW = "slow"  # the answer comes after half a second


@dataclass(frozen=True)
class Scripted:
    """One answer."""

    status: int
    body: str = "{}"
    headers: dict[str, str] = field(default_factory=dict)


class ScriptedServer:
    """Gives its answers in order; `seen` has the paths that were asked for."""

    def __init__(self, *answers: Scripted | str) -> None:
        self._answers = deque(answers)
        self.seen: list[str] = []
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                script.seen.append(self.path)
                answer = script._answers.popleft()
                if answer == SLOW:
                    time.sleep(0.5)
                if not isinstance(answer, Scripted):
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body.encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
