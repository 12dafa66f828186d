"""The journal of an endpoint's answers: one line an answer, on disk before it counts, so that nothing is paid twice."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
from pydantic import BaseModel, ValidationError

from bundle.files import fsync
from training.errors import JournalMismatch

FORMAT = 1


class Entry(BaseModel):
    """One answer; `refused` when the endpoint would not answer this prompt, and `answer` is then empty.

    `cut`: it reached the most tokens before its end.
    """

    task: str
    item_id: str
    prompt_kind: str
    answer: str
    tokens_in: int
    tokens_out: int
    refused: bool = False
    cut: bool = False


class Journal:
    """The answers so far by task, and the open file that new ones are appended to."""

    def __init__(self, path: Path, descriptor: int, answers: dict[str, Entry]) -> None:
        self.path = path
        self.answers = answers
        self._descriptor = descriptor

    def append(self, entry: Entry) -> None:
        """Put an answer on disk, then count it; an OSError that names the file leaves no part of the line."""
        _append(self._descriptor, self.path, entry.model_dump_json().encode())
        self.answers[entry.task] = entry


@contextmanager
def open_journal(path: Path, prompt_hash: str, *, resume: bool) -> Iterator[Journal]:
    """Open the journal of these prompts, or begin one; a line that a crash cut short is taken away.

    Raises JournalMismatch when there is one but `resume` was not asked for, when it is of other prompts, damaged, or
    in use by another run.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise JournalMismatch(
                f"{path} is in use by another run; wait for it, or choose another --output"
            ) from error
        lines = _whole_lines(path, descriptor)
        if lines and not resume:
            raise JournalMismatch(
                f"{path} holds {len(lines) - 1:,} answers of an earlier run; go on with --resume, or delete it"
            )
        if not lines:
            _append(descriptor, path, orjson.dumps({"journal": FORMAT, "prompt_hash": prompt_hash}))
            fsync(path.parent)
        else:
            _check_header(path, lines[0], prompt_hash)
        yield Journal(path, descriptor, _entries(path, lines[1:]))
    finally:
        os.close(descriptor)


def _whole_lines(path: Path, descriptor: int) -> list[bytes]:
    content = path.read_bytes()
    end = content.rfind(b"\n") + 1
    if end < len(content):
        os.ftruncate(descriptor, end)
    return content[:end].splitlines()


def _check_header(path: Path, line: bytes, prompt_hash: str) -> None:
    try:
        header = orjson.loads(line)
        version, found = header["journal"], header["prompt_hash"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise JournalMismatch(f"{path} is no journal of answers; delete it or choose another --output") from error
    if version != FORMAT:
        raise JournalMismatch(f"{path} has format {version}, this version reads {FORMAT}; delete it to ask anew")
    if found != prompt_hash:
        raise JournalMismatch(
            f"{path} was made with other prompts, another model or other sampling settings; restore those, choose "
            "another --output, or delete the journal to ask anew",
            journal=found,
            settings=prompt_hash,
        )


def _entries(path: Path, lines: list[bytes]) -> dict[str, Entry]:
    answers = {}
    for number, line in enumerate(lines, start=2):
        try:
            entry = Entry.model_validate_json(line)
        except ValidationError as error:
            raise JournalMismatch(f"{path} line {number} is damaged; take that line away and go on") from error
        if not entry.refused:  # it cost nothing, and what was wrong may be mended: ask again
            answers[entry.task] = entry
    return answers


def _append(descriptor: int, path: Path, line: bytes) -> None:
    end = os.fstat(descriptor).st_size
    rest = memoryview(line + b"\n")
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    except OSError as error:
        os.ftruncate(descriptor, end)
        error.filename = str(path)
        raise
