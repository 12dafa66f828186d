"""`tandem serve`: run the service until a signal."""

from pathlib import Path
from typing import Annotated, Any

import typer


def serve(
    config: Annotated[Path | None, typer.Option("--config", help="TOML file of the server.")] = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="TCP port.")] = None,
    workspace: Annotated[
        Path | None, typer.Option("--workspace", "-w", help="Folder that holds the collections.")
    ] = None,
) -> None:
    """Serve every collection of the workspace; flags lie over the environment, which lies over the file."""
    from service.server import serve as run

    overrides: dict[str, Any] = {} if workspace is None else {"workspace": workspace}
    listening = {"host": host, "port": port}
    if server := {name: value for name, value in listening.items() if value is not None}:
        overrides["server"] = server
    run(config, overrides)
