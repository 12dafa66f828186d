"""Runs the application under uvicorn: one process or several, JSON logs, graceful shutdown.

Nothing here imports faiss before the environment says that OpenMP has one thread: the setting is read at import.
"""

import json
import logging
import os
import signal
import ssl
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI

from bundle.errors import ConfigError
from service.keys import read_keys
from service.logs import configure_logging
from service.settings import Settings
from service.settings_file import SettingsFile
from service.traces import check_traces

logger = logging.getLogger(__name__)
_CONFIG = "TANDEM_CONFIG_FILE"
_OVERRIDES = "TANDEM_OVERRIDES"


def serve(config: Path | None = None, overrides: Mapping[str, Any] | None = None) -> None:
    """Serve until a signal, to be called in the main thread; after SIGTERM the process ends with 0.

    Raises ConfigError before anything starts when a setting is wrong.
    """
    file = SettingsFile(config, overrides)
    settings = file.read()
    _check_files(settings)
    check_traces(settings.traces)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    configure_logging(settings.logs.level)
    logger.info("server starting", extra={"settings": settings.redacted()})
    if settings.server.workers == 1:
        from service.app import create_app

        # uvicorn takes SIGTERM over while it runs, and at its end raises it again for the handler before it.
        signal.signal(signal.SIGTERM, _leave)
        app = create_app(settings, settings_file=file, owns_process=True)
        uvicorn.Server(uvicorn_config(settings, app)).run()
        return
    # Worker processes read the same settings again, so no secret has to travel.
    os.environ[_CONFIG] = str(config) if config else ""
    os.environ[_OVERRIDES] = json.dumps(dict(overrides or {}), default=str)
    with tempfile.TemporaryDirectory(prefix="tandem-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        _run_workers(settings)


def _check_files(settings: Settings) -> None:
    """Raise ConfigError for files without which no server starts; a worker process would fail and be started again."""
    if not settings.workspace.is_dir():
        raise ConfigError(
            f"the workspace {settings.workspace} does not exist; train and build an index first, or name another with "
            "--workspace or TANDEM_WORKSPACE",
            workspace=str(settings.workspace),
        )
    if settings.security.keys_file is not None:
        read_keys(settings.security.keys_file)
    certificate, key = settings.server.tls_certificate, settings.server.tls_key
    if certificate is not None:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
        except OSError as error:  # of which ssl.SSLError is one
            raise ConfigError(
                f"server.tls_certificate {certificate} and server.tls_key {key} cannot be used: "
                f"{error.strerror or error}; give PEM files that belong together and that this user may read",
                tls_certificate=str(certificate),
            ) from error


def _leave(_: int, __: FrameType | None) -> None:
    sys.exit(0)


def worker_app() -> FastAPI:
    """The application of one of several worker processes, from the settings that `serve` left in the environment."""
    from service.app import create_app

    path = os.environ.get(_CONFIG)
    file = SettingsFile(Path(path) if path else None, json.loads(os.environ.get(_OVERRIDES) or "{}"))
    settings = file.read()
    configure_logging(settings.logs.level)
    return create_app(settings, settings_file=file, owns_process=True)


def uvicorn_config(settings: Settings, app: FastAPI | str) -> uvicorn.Config:
    """How uvicorn runs the application: its own access log off, because every request is logged once already."""
    server = settings.server
    return uvicorn.Config(
        app,
        host=server.host,
        port=server.port,
        factory=isinstance(app, str),
        workers=server.workers,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        ssl_certfile=server.tls_certificate,
        ssl_keyfile=server.tls_key,
        timeout_keep_alive=server.keep_alive_s,
        timeout_graceful_shutdown=server.drain_s,
    )


def _run_workers(settings: Settings) -> None:
    from uvicorn.supervisors import Multiprocess

    class Supervisor(Multiprocess):
        """Starts worker processes, and another one in the place of any that dies."""

        def terminate_all(self) -> None:
            """Stop listening too: connections would wait in this process's queue for workers that are gone."""
            super().terminate_all()
            for socket in self.sockets:
                socket.close()

    config = uvicorn_config(settings, "service.server:worker_app")
    Supervisor(config, sockets=[config.bind_socket()]).run()
