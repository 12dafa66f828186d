import asyncio
import errno
import threading
from pathlib import Path

import pytest

from bundle.progress import NoProgress
from tests.training.synthetic_queries.speaker import Reply, Speaker, completion, speaking
from tests.training.synthetic_queries.world import small_texts
from training.errors import BudgetReached, EndpointFailed
from training.synthetic_queries.asking import Asking
from training.synthetic_queries.chat import Chat, ChatConfig
from training.synthetic_queries.journal import Journal, open_journal
from training.synthetic_queries.pace import Pace
from training.synthetic_queries.prompts import DEFAULT_PROMPTS, questions
from training.synthetic_queries.spend import Spend


class Notes(NoProgress):
    """Progress that is remembered."""

    def __init__(self) -> None:
        self.steps = 0
        self.notes: list[str] = []

    def advance(self, n: int = 1) -> None:
        self.steps += n

    def note(self, text: str) -> None:
        self.notes.append(text)


async def _run(
    speaker: Speaker,
    journal: Journal,
    progress: Notes,
    *,
    requests: int = 5,
    concurrency: int = 3,
    budget: float | None = None,
    per_minute: float | None = None,
    max_refused: int = 0,
) -> Spend:
    pace, spend = Pace(per_minute), Spend(1, 1, budget)
    for entry in journal.answers.values():
        spend.add(entry.tokens_in, entry.tokens_out)
    config = ChatConfig(url=speaker.url, model="m", longest_wait_s=0.05, attempts=3)
    todo = questions(small_texts(), DEFAULT_PROMPTS, ["1", "2", "3"], requests=requests, count=3, max_chars=99)
    async with Chat(config, None, pace) as chat:
        asking = Asking(todo, chat, pace, journal, spend, max_tokens=50, max_refused=max_refused, progress=progress)
        await asking.run(concurrency, 5)
    return spend


def test_everything_is_asked_once_and_several_at_a_time(tmp_path: Path) -> None:
    progress = Notes()
    reply = completion("ok", 100, 20)
    reply.after_s = 0.02
    with speaking(lambda _: reply) as speaker, open_journal(tmp_path / "j", "h", resume=False) as journal:
        spend = asyncio.run(_run(speaker, journal, progress))
        assert (len(speaker.prompts), len(journal.answers), progress.steps) == (30, 30, 30)
        assert 2 <= speaker.most_under_way <= 3
    assert (spend.tokens_in, spend.tokens_out) == (3000, 600)
    assert progress.notes[-1].endswith("answers/min, 0 retries, 3,000 + 600 tokens, cost 3.6000")


def test_requests_keep_to_the_rate(tmp_path: Path) -> None:
    with speaking(lambda _: completion("ok")) as speaker, open_journal(tmp_path / "j", "h", resume=False) as journal:
        asyncio.run(_run(speaker, journal, Notes(), requests=1, per_minute=1200))
        times = speaker.times
    assert times[-1] - times[0] >= 5 * 0.05 - 0.03


def test_a_failure_stops_the_run_and_keeps_what_was_answered(tmp_path: Path) -> None:
    """The answer that fails comes while others are under way; they are waited for and kept."""
    slow = completion("ok")
    slow.after_s = 0.2
    with speaking(lambda _: slow) as speaker, open_journal(tmp_path / "j", "h", resume=False) as journal:
        speaker.replies = [slow, slow, Reply(401, b"no")]
        with pytest.raises(EndpointFailed, match="status 401"):
            asyncio.run(_run(speaker, journal, Notes()))
        assert (len(speaker.prompts), len(journal.answers)) == (3, 2)
        speaker.answer = lambda _: completion("ok")
        asyncio.run(_run(speaker, journal, Notes()))
        assert len(speaker.prompts) == 3 + 28


def test_the_budget_is_not_passed_and_the_rest_is_asked_when_it_is_raised(tmp_path: Path) -> None:
    with speaking(lambda _: completion("ok", 100, 50)) as speaker, open_journal(tmp_path / "j", "h", resume=False) as j:
        progress = Notes()
        with pytest.raises(BudgetReached, match=r"of the budget of 1\.5 is spent.*source\.budget.*--resume"):
            asyncio.run(_run(speaker, j, progress, budget=1.5))
        paid = len(j.answers)
        assert 0.15 * paid <= 1.5 and paid == len(speaker.prompts)
        assert 1.5 - 0.15 * paid < 0.5  # what is left is less than the most that a request can cost
        assert progress.notes[-1].endswith(f"cost {0.15 * paid:.4f} of 1.5")
        with pytest.raises(BudgetReached):  # what was paid before counts
            asyncio.run(_run(speaker, j, Notes(), budget=1.5))
        assert len(speaker.prompts) == paid
        asyncio.run(_run(speaker, j, Notes(), budget=15))
        assert len(speaker.prompts) == len(set(j.answers)) == 30


def test_a_budget_needs_an_endpoint_that_tells_its_tokens(tmp_path: Path) -> None:
    with speaking(lambda _: completion("ok", usage=False)) as speaker:
        with open_journal(tmp_path / "j", "h", resume=False) as journal:
            with pytest.raises(EndpointFailed, match=r"no budget can be held; .*is kept, so unset source\.budget"):
                asyncio.run(_run(speaker, journal, Notes(), budget=9))
        with open_journal(tmp_path / "j", "h", resume=True) as journal:  # what was paid is on disk
            assert len(journal.answers) == len(speaker.prompts) > 0
            spend = asyncio.run(_run(speaker, journal, Notes()))
            assert len(speaker.prompts) == 30
    assert (spend.tokens_in, spend.cost) == (0, 0)


def test_too_many_refusals_stop_the_run(tmp_path: Path) -> None:
    with speaking(lambda _: Reply(400, b"bad prompt")) as speaker:
        with open_journal(tmp_path / "j", "h", resume=False) as journal:
            with pytest.raises(EndpointFailed, match=r"refused 3 prompts.*'i0'.*bad prompt.*source\.max_refused"):
                asyncio.run(_run(speaker, journal, Notes(), max_refused=2, concurrency=1))
            assert len(speaker.prompts) == 3


def test_a_full_disk_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space", "j")

    with speaking(lambda _: completion("ok")) as speaker, open_journal(tmp_path / "j", "h", resume=False) as journal:
        monkeypatch.setattr(journal, "append", full)
        with pytest.raises(OSError, match="no space"):
            asyncio.run(_run(speaker, journal, Notes(), concurrency=2))
        assert len(speaker.prompts) <= 3


def test_an_interrupt_waits_for_the_answers_under_way(tmp_path: Path) -> None:
    arrived = threading.Event()

    def answer(_: str) -> Reply:
        arrived.set()
        reply = completion("paid")
        reply.after_s = 0.3
        return reply

    async def interrupted(speaker: Speaker, journal: Journal, progress: Notes) -> None:
        run = asyncio.create_task(_run(speaker, journal, progress))
        await asyncio.to_thread(arrived.wait)
        await asyncio.sleep(0.1)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    progress = Notes()
    with speaking(answer) as speaker, open_journal(tmp_path / "j", "h", resume=False) as journal:
        asyncio.run(interrupted(speaker, journal, progress))
        assert len(journal.answers) == len(speaker.prompts) == 3
    assert any("interrupt again" in note for note in progress.notes)
