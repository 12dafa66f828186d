"""`tandem keys`: the API keys of a server, in the file that its settings name."""

from pathlib import Path
from typing import Annotated

import orjson
import typer

from cli.console import emit, say
from cli.options import JsonOption

app = typer.Typer(
    help="Make, list and revoke API keys; a running server follows within a second.", no_args_is_help=True
)
FileArgument = Annotated[Path, typer.Argument(help="The key file, as in the setting security.keys_file.")]
NameArgument = Annotated[str, typer.Argument(help="What logs call the key.")]


@app.command()
def create(
    file: FileArgument,
    name: NameArgument,
    admin: Annotated[bool, typer.Option("--admin", help="The key may also change what is served.")] = False,
    collection: Annotated[
        list[str] | None, typer.Option("--collection", "-c", help="A collection it opens; all if not given.")
    ] = None,
) -> None:
    """Make a key and print it, once: the file holds only its hash."""
    from service.keys import Scope, create_key

    scopes: frozenset[Scope] = frozenset({"read", "admin"} if admin else {"read"})
    emit(create_key(file, name, scopes, frozenset(collection) if collection else None))
    say(f"'{name}' is in {file}; keep the key above, nobody can read it again")


@app.command("list")
def list_keys(file: FileArgument, as_json: JsonOption = False) -> None:
    """List the keys by name, without the keys themselves."""
    from service.keys import read_keys

    keys = read_keys(file).keys
    if as_json:
        listed = [key.model_dump(mode="json", exclude={"sha256"}) for key in keys]
        emit(orjson.dumps(listed).decode())
        return
    for key in keys:
        where = "all collections" if key.collections is None else ", ".join(sorted(key.collections))
        emit(f"{key.name}\t{'+'.join(sorted(key.scopes))}\t{where}\t{key.created_at}")


@app.command()
def revoke(file: FileArgument, name: NameArgument) -> None:
    """Take a key away."""
    from service.keys import revoke_key

    revoke_key(file, name)
    say(f"'{name}' is revoked; a running server refuses it within a second")
