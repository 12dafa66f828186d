"""The `tandem` command: every group of commands, and what each kind of failure exits with."""

import errno
import os
import sys

# The service and the index search with one thread a request; FAISS reads this once, when it is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import typer

from bundle.errors import ConfigError, InputError, RetrievalError
from cli import (
    clicks,
    compare,
    demo,
    evaluate,
    index,
    keys,
    labels,
    off_policy,
    openapi,
    semantic_ids,
    serve,
    synthetic_queries,
    train,
)
from cli.console import Interrupted, say

DONE, FAILED, BAD_USAGE, REFUSED, INTERRUPTED = 0, 1, 2, 3, 130

app = typer.Typer(
    name="tandem",
    help="Train dual-encoder towers and semantic IDs, build indexes, serve both as one artefact.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("demo")(demo.demo)
app.command("train")(train.train)
app.command("synthetic-queries")(synthetic_queries.synthetic_queries)
app.command("clicks")(clicks.clicks)
app.command("evaluate")(evaluate.evaluate)
app.command("compare")(compare.compare)
app.add_typer(index.app, name="index")
app.add_typer(semantic_ids.app, name="semantic-ids")
app.add_typer(labels.app, name="labels")
app.command("off-policy")(off_policy.off_policy)
app.command("serve")(serve.serve)
app.add_typer(keys.app, name="keys")
app.command("openapi")(openapi.openapi)


def run() -> None:
    """Entry point of the `tandem` command."""
    sys.exit(execute(sys.argv[1:]))


def execute(arguments: list[str]) -> int:
    """Run one command line and return its exit code: 0 done, 1 failed, 2 bad usage or config, 3 a gate refused."""
    try:
        result = app(arguments, prog_name="tandem", standalone_mode=False)
        if result == INTERRUPTED:  # typer makes it of Ctrl-C, without a word
            raise Interrupted("nothing half-written was kept")
        return result if isinstance(result, int) else DONE
    except typer.Exit as stop:
        return stop.exit_code
    except (KeyboardInterrupt, typer.Abort):
        say("interrupted; nothing half-written was kept")
        return INTERRUPTED
    except Interrupted as stop:
        say(f"interrupted; {stop}")
        return INTERRUPTED
    except RetrievalError as error:
        say(f"error: {error.message}")
        return _exit_code(error)
    except OSError as error:
        say(f"error: {_system_message(error)}")
        return FAILED
    except typer.TyperException as error:  # bad usage draws itself, with the usage line
        error.show()  # type: ignore[attr-defined]
        return BAD_USAGE


def _exit_code(error: RetrievalError) -> int:
    if isinstance(error, ConfigError | InputError) or error.code in _BAD_DATA:
        return BAD_USAGE
    return REFUSED if error.code in _GATES else FAILED


def _system_message(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    if error.errno == errno.ENOSPC:
        return f"{where}the disk is full; nothing half-written was kept, so free some space and run the command again"
    return f"{where}{error.strerror or error}"


# By code, because the packages that own these errors are imported only by the commands that need them.
_BAD_DATA = frozenset({"bad-data", "bad-split"})
# The work was done and its result is not good enough to go on with.
_GATES = frozenset({"export-mismatch", "recall-below-target"})
