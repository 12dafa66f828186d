"""What people call an item or a query: a title where its table has one, the id where not."""

from collections.abc import Iterable

LONGEST = 70
_USUAL = ("title", "name", "label", "text", "query", "description", "synopsis", "question")


def naming_column(columns: Iterable[str]) -> str | None:
    """The text column that usually names a row, whatever its capitals; None when there is none."""
    by_lower_case = {name.lower(): name for name in reversed(list(columns))}
    return next((by_lower_case[usual] for usual in _USUAL if usual in by_lower_case), None)


def shortened(text: str) -> str:
    """One line of at most LONGEST characters."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"
