"""TREC's two text formats: runs (query Q0 item rank score tag) and qrels (query 0 item grade), UTF-8, by white space.

Every fault is told by file and line.
"""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NoReturn

from bundle.files import replace_file
from evaluation.errors import InvalidTrecFile
from evaluation.rankings import Grades, Run

_RUN_COLUMNS = ("query", "Q0", "item", "rank", "score", "tag")
_QRELS_COLUMNS = ("query", "0", "item", "grade")


def read_run(path: Path) -> Run:
    """The run in a file, named by its tag; ranks are read and not used, as in trec_eval. Raises InvalidTrecFile."""
    scores: dict[str, dict[str, float]] = {}
    name = path.stem
    for line, (query_id, _, item_id, rank, score, tag) in _rows(path, _RUN_COLUMNS):
        name = tag
        _number(rank, "rank", path, line)
        known = scores.setdefault(query_id, {})
        if item_id in known:
            _fail_twice(path, _RUN_COLUMNS, query_id, item_id, line)
        known[item_id] = _number(score, "score", path, line)
    return Run(name, scores)


def read_qrels(path: Path, most_grade: float | None = None) -> dict[str, dict[str, float]]:
    """The grade of each item by query id, as whole numbers; raises InvalidTrecFile.

    With `most_grade` a larger grade is outside the scale and a fault; grades below 0 are judged not relevant.
    """
    grades: dict[str, dict[str, float]] = {}
    for line, (query_id, _, item_id, text) in _rows(path, _QRELS_COLUMNS):
        grade = _number(text, "grade", path, line)
        if not grade.is_integer():
            _fail(path, line, f"the grade {text} is not a whole number, which trec_eval would not read")
        if most_grade is not None and grade > most_grade:
            _fail(path, line, f"the grade {text} is outside the scale, which ends at {most_grade:g}")
        known = grades.setdefault(query_id, {})
        if item_id in known:
            _fail_twice(path, _QRELS_COLUMNS, query_id, item_id, line)
        known[item_id] = grade
    return grades


def write_run(path: Path, run: Run) -> None:
    """Write a run in one step, each query's items by falling score, ranks from 1.

    Scores are written so that a 32-bit float comes back the same. Raises InvalidTrecFile for an id with white space.
    """
    lines = (
        f"{query_id} Q0 {item_id} {rank} {run.scores[query_id][item_id]:.9g} {run.name}"
        for query_id, ranking in run.rankings().items()
        for rank, item_id in enumerate(ranking, start=1)
        if _is_writable(path, query_id, item_id, run.name)
    )
    _write(path, lines)


def write_qrels(path: Path, grades: Grades) -> None:
    """Write qrels in one step; raises InvalidTrecFile for an id with white space or a grade that is not whole."""
    lines = (
        f"{query_id} 0 {item_id} {_whole(path, grade)}"
        for query_id, known in grades.items()
        for item_id, grade in known.items()
        if _is_writable(path, query_id, item_id)
    )
    _write(path, lines)


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, list[str]]]:
    """Line numbers from 1 and their fields; empty lines are passed over."""
    is_empty = True
    for line, raw in enumerate(_lines(path), start=1):
        try:
            fields = [field.decode("utf-8") for field in raw.split()]  # at ASCII's white space alone, as C does
        except UnicodeDecodeError as error:
            raise InvalidTrecFile(f"{path} line {line}: not UTF-8 text", path=str(path), line=line) from error
        if not fields:
            continue
        if len(fields) != len(columns):
            wanted = " ".join(columns)
            _fail(path, line, f"{len(fields)} columns instead of {len(columns)}; a line reads: {wanted}")
        is_empty = False
        yield line, fields
    if is_empty:
        raise InvalidTrecFile(f"{path} has no line; a line reads: {' '.join(columns)}", path=str(path))


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        raise InvalidTrecFile(f"{path} cannot be read: {error.strerror}", path=str(path)) from error


def _number(text: str, what: str, path: Path, line: int) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        _fail(path, line, f"the {what} '{text}' is not a finite number")
    return number


def _fail_twice(path: Path, columns: tuple[str, ...], query_id: str, item_id: str, line: int) -> NoReturn:
    first = next(one for one, fields in _rows(path, columns) if (fields[0], fields[2]) == (query_id, item_id))
    _fail(path, line, f"item '{item_id}' of query '{query_id}' stands in line {first} already")


def _is_writable(path: Path, *words: str) -> bool:
    for word in words:
        if word.encode().split() != [word.encode()]:
            raise InvalidTrecFile(
                f"{path}: '{word}' is empty or has white space, which parts the columns of TREC files; rename it",
                path=str(path),
            )
    return True


def _whole(path: Path, grade: float) -> int:
    if not float(grade).is_integer():
        raise InvalidTrecFile(f"{path}: the grade {grade:g} is not a whole number, as qrels need it", path=str(path))
    return int(grade)


def _write(path: Path, lines: Iterable[str]) -> None:
    replace_file(path, "".join(f"{line}\n" for line in lines))


def _fail(path: Path, line: int, fault: str) -> NoReturn:
    raise InvalidTrecFile(f"{path} line {line}: {fault}", path=str(path), line=line)
