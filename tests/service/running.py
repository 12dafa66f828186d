"""Applications that run in this process, and servers that listen."""

import asyncio
import contextlib
import ssl
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import httpx
import uvicorn
from fastapi import FastAPI

from service.app import create_app
from service.server import uvicorn_config
from service.settings import Settings
from service.settings_file import SettingsFile

T = TypeVar("T")


class LiveApp:
    """An application with its lifespan, on an event loop of its own thread, called through the ASGI transport."""

    def __init__(self, settings: Settings, settings_file: SettingsFile | None = None) -> None:
        self.app: FastAPI = create_app(settings, settings_file=settings_file)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> "LiveApp":
        self._thread.start()
        self._lifespan = self.app.router.lifespan_context(self.app)
        self.run(self._lifespan.__aenter__())
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://test")
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self.client.aclose())
        self.run(self._lifespan.__aexit__(None, None, None))
        self.run(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine on the application's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=60)

    def get(self, path: str) -> httpx.Response:
        """GET."""
        return self.run(self.client.get(path))

    def post(self, route: str, body: object = None, *, collection: str = "shop", **options: Any) -> httpx.Response:
        """POST a JSON body to a route of a collection; `content=` sends bytes instead."""
        if "content" not in options:
            options["json"] = body
        return self.run(self.client.post(f"/v1/collections/{collection}/{route}", **options))

    def post_all(self, route: str, bodies: Sequence[object]) -> list[httpx.Response]:
        """POST all bodies at the same time."""

        async def all_of_them() -> list[httpx.Response]:
            posts = [self.client.post(f"/v1/collections/shop/{route}", json=body) for body in bodies]
            return list(await asyncio.gather(*posts))

        return self.run(all_of_them())

    def ready(self) -> "LiveApp":
        """Wait until everything is loaded."""
        wait_until(lambda: self.get("/readyz").status_code == 200)
        return self


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until `condition` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the condition never held")
        time.sleep(0.01)


@contextlib.contextmanager
def listening(settings: Settings, verify: ssl.SSLContext | bool = True) -> Iterator[str]:
    """A real server in a thread; its base URL. `verify` is what a client needs to trust its certificate."""
    server = uvicorn.Server(uvicorn_config(settings, create_app(settings)))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}" if settings.server.tls_key is None else f"https://localhost:{port}"
        with httpx.Client(base_url=url, verify=verify) as client:
            wait_until(lambda: client.get("/readyz").status_code == 200)
        yield url
    finally:
        server.should_exit = True
        thread.join()


def flip_byte(path: Path) -> None:
    """Change one byte in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))
