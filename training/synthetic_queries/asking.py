"""All questions to an endpoint: several at once, each answer on disk before it counts, stopped in order."""

import asyncio
import time
from collections.abc import Iterator

from bundle.errors import RetrievalError
from bundle.progress import Progress
from training.errors import EndpointFailed
from training.synthetic_queries.chat import Answer, Chat
from training.synthetic_queries.journal import Entry, Journal
from training.synthetic_queries.pace import Pace, Stopped
from training.synthetic_queries.prompts import Question
from training.synthetic_queries.spend import Spend

_NOTE_INTERVAL_S = 5.0


class Asking:
    """Asks what the journal does not hold yet. Whatever ends it early, answers under way are waited for and kept."""

    def __init__(
        self,
        questions: Iterator[Question],
        chat: Chat,
        pace: Pace,
        journal: Journal,
        spend: Spend,
        *,
        max_tokens: int,
        max_refused: int,
        progress: Progress,
    ) -> None:
        self._questions = questions
        self._chat, self._pace, self._journal, self._spend = chat, pace, journal, spend
        self._max_tokens, self._max_refused = max_tokens, max_refused
        self._progress = progress
        self._failure: RetrievalError | OSError | None = None
        self._started = self._noted = time.monotonic()
        self.asked = self.refused = 0

    async def run(self, concurrency: int, grace_s: float) -> None:
        """Ask until no question is left; raises the first EndpointFailed, BudgetReached or OSError.

        When it is interrupted it waits `grace_s` seconds at most for the answers under way.
        """
        workers = [asyncio.create_task(self._work()) for _ in range(concurrency)]
        try:
            await asyncio.wait(workers)
        except asyncio.CancelledError:
            self._pace.stop()
            self._progress.note(
                "waiting for the answers under way (interrupt again to give them up); go on later with --resume"
            )
            await asyncio.wait(workers, timeout=grace_s)
            raise
        self._note()
        for worker in workers:
            worker.result()
        if self._failure is not None:
            raise self._failure

    async def _work(self) -> None:
        try:
            while not self._pace.stopped:
                question = next((q for q in self._questions if q.task not in self._journal.answers), None)
                if question is None:
                    return
                await self._one(question)
        except Stopped:
            return
        except (RetrievalError, OSError) as failure:
            self._failure = self._failure or failure
        finally:
            if self._failure is not None:
                self._pace.stop()

    async def _one(self, question: Question) -> None:
        most = self._spend.most(question.prompt, self._max_tokens)
        await self._spend.reserve(most)
        try:
            self._keep(question, await self._chat.ask(question.prompt))
        finally:
            await self._spend.release(most)

    def _keep(self, question: Question, answer: Answer) -> None:
        if answer.refusal is not None:
            self.refused += 1
            if self.refused > self._max_refused:
                raise EndpointFailed(
                    f"the endpoint refused {self.refused} prompts, the last for item '{question.item_id}': "
                    f"{answer.refusal}; change the prompt or the model, or raise source.max_refused"
                )
        tokens_in, tokens_out = answer.tokens_in or 0, answer.tokens_out or 0
        entry = Entry(
            task=question.task,
            item_id=question.item_id,
            prompt_kind=question.prompt_kind,
            answer=answer.text,
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            refused=answer.refusal is not None,
            cut=answer.cut,
        )
        self._journal.append(entry)
        self._spend.add(tokens_in, tokens_out)
        self.asked += 1
        self._progress.advance()
        if answer.tokens_in is None and self._spend.budget is not None:
            raise EndpointFailed(
                "the endpoint does not tell its tokens, so no budget can be held; every answer so far is kept, so "
                "unset source.budget and go on with --resume"
            )
        if time.monotonic() - self._noted >= _NOTE_INTERVAL_S:
            self._note()

    def _note(self) -> None:
        self._noted = time.monotonic()
        spend = self._spend
        rate = 60 * self.asked / max(self._noted - self._started, 1e-9)
        of = "" if spend.budget is None else f" of {spend.budget:g}"
        self._progress.note(
            f"{rate:,.0f} answers/min, {self._chat.retries:,} retries, "
            f"{spend.tokens_in:,} + {spend.tokens_out:,} tokens, cost {spend.cost:.4f}{of}"
        )
