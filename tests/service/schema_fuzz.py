"""The requests of test_schema_fuzz.py for as long as it is told, each round with new seeds.

python -m tests.service.schema_fuzz --minutes 30 [--seed 1] [--examples 300] [--operation TEXT]

Exit code 1 where an answer was a 500 or not a documented one; every such request is printed as curl, shrunk.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode

from bundle.workspace import Workspace
from tests.service.conftest import SMALL_LIMITS, settings_for
from tests.service.running import LiveApp
from tests.service.schema_cases import check_case, drawable, name_of
from tests.service.tiny import make_collection

COLLECTION = "shop"


class OutOfTime(Exception):
    """The minutes are over."""


def fuzz(app: LiveApp, minutes: float, first_seed: int, examples: int, only: str = "") -> tuple[int, dict[str, str]]:
    """Draw until the minutes are over: how many requests were sent, and the faults by operation and mode.

    What failed once is not drawn again.
    """
    cases = [drawn for drawn in drawable() if only in name_of(*drawn)]
    until = time.monotonic() + 60 * minutes
    faults: dict[str, str] = {}
    sent = 0

    def send(case: Any) -> None:
        nonlocal sent
        sent += 1
        check_case(case, app, COLLECTION)
        if time.monotonic() > until:
            raise OutOfTime

    turn = first_seed
    while time.monotonic() < until and len(faults) < len(cases):
        for operation, mode in cases:
            name = name_of(operation, mode)
            if name not in faults and (fault := _round(operation, mode, send, turn, examples)):
                faults[name] = fault
                _say(f"\n{name}, seed {turn}:\n{fault}")
        _say(f"seed {turn}: {sent} requests, {len(faults)} faults")
        turn += 1
    return sent, faults


def _round(operation: Any, mode: GenerationMode, send: Any, turn: int, examples: int) -> str | None:
    """What is wrong with an answer, None where nothing is."""

    @seed(turn)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: Any) -> None:
        send(case)

    try:
        check()
    except OutOfTime:
        return None
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - a group of failures is none else; a strategy that gives up is told too
        return "\n".join([f"{type(error).__name__}: {error}", *map(str, getattr(error, "exceptions", ()))])
    return None


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextmanager
def small_shop() -> Iterator[LiveApp]:
    """An application over a collection of 50 items."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "tables").mkdir()
        make_collection(Workspace(root / "workspace").collection(COLLECTION), root / "tables")
        with LiveApp(settings_for(root / "workspace", limits=SMALL_LIMITS)) as app:
            yield app.ready()


def main() -> int:
    """Draw, print, and say by the exit code whether anything was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1, help="of the first round; each round takes the next")
    parser.add_argument("--examples", type=int, default=300, help="requests an operation and mode in one round")
    parser.add_argument("--operation", default="", help="only operations whose name holds this text")
    told = parser.parse_args()
    with small_shop() as app:
        sent, faults = fuzz(app, told.minutes, told.seed, told.examples, told.operation)
    _say(f"{sent} requests, {len(faults)} faults{''.join(f'; {name}' for name in faults)}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
