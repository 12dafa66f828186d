import errno
import os
from pathlib import Path

import pytest

from training.errors import JournalMismatch
from training.synthetic_queries.journal import Entry, open_journal


def _entry(task: str, answer: str = "a\nb", *, refused: bool = False) -> Entry:
    return Entry(task=task, item_id="i", prompt_kind="k", answer=answer, tokens_in=3, tokens_out=4, refused=refused)


def _write(path: Path, *tasks: str) -> None:
    with open_journal(path, "hash", resume=True) as journal:
        for task in tasks:
            journal.append(_entry(task))


def test_answers_are_read_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "j.jsonl"
    _write(path, "1", "2")
    _write(path, "3")
    with open_journal(path, "hash", resume=True) as journal:
        assert list(journal.answers) == ["1", "2", "3"]
        assert journal.answers["2"] == _entry("2")


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_a_line_cut_short_is_taken_away_and_the_next_is_whole(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "j.jsonl"
    _write(path, "1", "2")
    path.write_bytes(path.read_bytes()[:-cut])
    _write(path, "3")
    with open_journal(path, "hash", resume=True) as journal:
        assert list(journal.answers) == ["1", "3"]


def test_a_journal_killed_before_its_first_line_is_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "j.jsonl").write_bytes(b'{"jour')
    with open_journal(tmp_path / "j.jsonl", "hash", resume=False) as journal:
        assert journal.answers == {}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"journal":1,"prompt_hash":"other"}\n', "other prompts"),
        (b'{"journal":2,"prompt_hash":"hash"}\n', "format 2"),
        (b"item_id,query_text\n", "no journal of answers"),
        (b"[]\n", "no journal of answers"),
        (b'{"journal":1,"prompt_hash":"hash"}\n{"task":\n', "line 2 is damaged"),
    ],
)
def test_what_cannot_be_gone_on_with_is_refused_and_left_alone(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "j.jsonl"
    path.write_bytes(content)
    with pytest.raises(JournalMismatch, match=says), open_journal(path, "hash", resume=True):
        pass
    assert path.read_bytes() == content


def test_it_is_not_gone_on_with_unasked_nor_by_two(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    _write(path, "1")
    with pytest.raises(JournalMismatch, match="1 answers of an earlier run"), open_journal(path, "hash", resume=False):
        pass
    with open_journal(path, "hash", resume=True), pytest.raises(JournalMismatch, match="in use by another run"):
        with open_journal(path, "hash", resume=True):
            pass


def test_a_refused_prompt_is_asked_for_again(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    with open_journal(path, "hash", resume=False) as journal:
        journal.append(_entry("1", "", refused=True))
        assert "1" in journal.answers
    with open_journal(path, "hash", resume=True) as journal:
        assert journal.answers == {}


def test_a_full_disk_leaves_no_part_of_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "j.jsonl"
    _write(path, "1")
    before, write = path.read_bytes(), os.write

    def full(descriptor: int, data: memoryview) -> int:
        if len(data) > 20:
            return write(descriptor, data[:20])
        raise OSError(errno.ENOSPC, "no space")

    with open_journal(path, "hash", resume=True) as journal:
        monkeypatch.setattr(os, "write", full)
        with pytest.raises(OSError, match="no space") as failure:
            journal.append(_entry("2"))
        assert failure.value.filename == str(path)
        assert "2" not in journal.answers
    assert path.read_bytes() == before
