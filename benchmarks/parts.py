"""A benchmark of several parts: what each gets and gives, and the command line over all of them."""

import argparse
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import cleandoc
from pathlib import Path
from typing import Any

from benchmarks.report import Row, add_rows


@dataclass(frozen=True)
class Budget:
    """How much is run. `data`: the folder of the benchmark data; `cache`: where computed vectors are kept.

    `options`: what the benchmark's own arguments say, by name.
    """

    data: Path
    cache: Path
    seeds: int
    quick: bool
    full: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """One comparison: `protocol` is the paragraph that stands above its tables."""

    protocol: str
    measure: Callable[[Budget], list[Row]]


def preamble(opening: str, parts: Mapping[str, Part]) -> str:
    """What stands above the tables: the opening, and the protocol of every part."""
    return "\n\n".join([opening.strip(), *(f"**{name}**: {cleandoc(part.protocol)}" for name, part in parts.items())])


def run_parts(
    name: str,
    description: str | None,
    parts: Mapping[str, Part],
    opening: str,
    add_options: Callable[[argparse.ArgumentParser], None] | None = None,
) -> None:
    """Measure, and add the rows of each part to docs/benchmarks/<name>.json and .md when it is done.

    With `add_options` the benchmark makes its own data and adds its own arguments.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    if add_options is None:
        parser.add_argument("--data", type=Path, required=True, help="folder with debian-packages.parquet")
    else:
        parser.set_defaults(data=Path())
        add_options(parser)
    parser.add_argument("--cache", type=Path, default=None, help="folder that keeps computed text vectors")
    parser.add_argument("--seeds", type=int, default=3, help="runs a method, where a part repeats them")
    parser.add_argument(
        "--only", "--parts", nargs="*", choices=parts, help="parts to run; their rows replace those in the table"
    )
    parser.add_argument("--dry", action="store_true", help="print the rows and write nothing")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="one seed, the least data, nothing written")
    size.add_argument("--full", action="store_true", help="also what a part leaves out for its cost")
    arguments = parser.parse_args()
    cache = arguments.cache or Path(tempfile.gettempdir()) / "tandem-benchmark-vectors"
    seeds = 1 if arguments.quick else arguments.seeds
    budget = Budget(arguments.data, cache, seeds, arguments.quick, arguments.full, vars(arguments))
    for part in arguments.only or parts:
        rows = parts[part].measure(budget)
        if arguments.quick or arguments.dry:
            for row in rows:
                print(f"{row.task:<24} {row.method:<34} {row.metric:<24} {row.value:.4f}")
        elif rows:
            print(f"wrote {add_rows(name, rows, preamble(opening, parts))}", flush=True)
