"""Queries that a language model behind an OpenAI-compatible endpoint writes for the items."""

import asyncio
from collections.abc import Iterator
from typing import Literal

from pydantic import Field, model_validator

from training.synthetic_queries.asking import Asking
from training.synthetic_queries.chat import Chat, ChatConfig, read_key
from training.synthetic_queries.journal import Journal, open_journal
from training.synthetic_queries.pace import Pace
from training.synthetic_queries.pairs import Pair, hash_of
from training.synthetic_queries.prompts import DEFAULT_PROMPTS, PromptConfig, Question, queries_in, questions
from training.synthetic_queries.sources.contract import Made, SourceSettings, Surroundings
from training.synthetic_queries.spend import Spend
from training.synthetic_queries.texts import ItemTexts


class EndpointSource(ChatConfig, SourceSettings):
    """A language model writes the queries; every answer is journalled, so that a stopped run pays for none twice."""

    kind: Literal["endpoint"] = "endpoint"
    prompts: tuple[PromptConfig, ...] = Field(
        default=DEFAULT_PROMPTS, min_length=1, description="Ways to ask, cycled over items and requests."
    )
    requests_per_item: int = Field(default=1, ge=1, le=100, description="Requests an item.")
    queries_per_request: int = Field(default=3, ge=1, le=50, description="Queries asked for, and kept, of one answer.")
    max_text_chars: int = Field(default=4000, ge=1, description="Characters of an item's text in a prompt.")
    max_query_chars: int = Field(default=300, ge=1, description="Longer lines of an answer are no query.")
    concurrency: int = Field(default=4, ge=1, le=256, description="Requests under way at once.")
    max_refused: int = Field(
        default=10, ge=0, description="Prompts answered with 400, 413 or 422 that are passed over; more stop the run."
    )
    price_per_1k_input: float = Field(default=0, ge=0, description="Price of 1,000 tokens of prompts.")
    price_per_1k_output: float = Field(default=0, ge=0, description="Price of 1,000 tokens of answers.")
    budget: float | None = Field(
        default=None, gt=0, description="Most to spend, earlier runs of the same journal included; no limit if unset."
    )

    @model_validator(mode="after")
    def _check(self) -> "EndpointSource":
        names = [prompt.name for prompt in self.prompts]
        if len(set(names)) < len(names):
            raise ValueError(f"the names of prompts repeat: {', '.join(sorted(names))}")
        if self.budget is not None and self.price_per_1k_input == self.price_per_1k_output == 0:
            raise ValueError("a budget needs prices; set price_per_1k_input and price_per_1k_output")
        return self

    def prompt_hashes(self) -> list[str]:
        """For each prompt the SHA-256, in hex, of its template, the model and the sampling settings."""
        names = {"model", "temperature", "top_p", "max_tokens", "queries_per_request", "max_text_chars"}
        sampling = self.model_dump(mode="json", include=names)
        return [hash_of({"template": prompt.template, **sampling}) for prompt in self.prompts]

    def make(self, items: ItemTexts, surroundings: Surroundings) -> Made:
        """Ask what the journal does not hold; raises EndpointFailed, BudgetReached, JournalMismatch, ConfigError."""
        key = read_key(self.key_variable, surroundings.environment)
        hashes = self.prompt_hashes()
        with open_journal(surroundings.journal, hash_of({"prompts": hashes}), resume=surroundings.resume) as journal:
            tasks = {question.task for question in self._questions(items, hashes)}
            kept = tasks & journal.answers.keys()
            surroundings.progress.start("ask the endpoint", len(tasks) - len(kept))
            counts = asyncio.run(self._ask(items, hashes, key, journal, surroundings))
            surroundings.progress.finish()
            return self._pairs(items, hashes, journal, {"answers_kept": len(kept), **counts})

    async def _ask(
        self, items: ItemTexts, hashes: list[str], key: str | None, journal: Journal, surroundings: Surroundings
    ) -> dict[str, float]:
        pace = Pace(self.requests_per_minute)
        spend = Spend(self.price_per_1k_input, self.price_per_1k_output, self.budget)
        for entry in journal.answers.values():
            spend.add(entry.tokens_in, entry.tokens_out)
        async with Chat(self, key, pace) as chat:
            asking = Asking(
                self._questions(items, hashes),
                chat,
                pace,
                journal,
                spend,
                max_tokens=self.max_tokens,
                max_refused=self.max_refused,
                progress=surroundings.progress,
            )
            await asking.run(self.concurrency, self.timeout_s)
            return {
                "answers": asking.asked,
                "retries": chat.retries,
                "tokens_in": spend.tokens_in,
                "tokens_out": spend.tokens_out,
                "cost": round(spend.cost, 6),
            }

    def _questions(self, items: ItemTexts, hashes: list[str]) -> Iterator[Question]:
        return questions(
            items,
            self.prompts,
            hashes,
            requests=self.requests_per_item,
            count=self.queries_per_request,
            max_chars=self.max_text_chars,
        )

    def _pairs(self, items: ItemTexts, hashes: list[str], journal: Journal, counts: dict[str, float]) -> Made:
        pairs: list[Pair] = []
        refused = empty = too_long = cut = 0
        for question in self._questions(items, hashes):
            entry = journal.answers[question.task]
            found, long = queries_in(entry.answer, self.queries_per_request, self.max_query_chars, cut=entry.cut)
            refused, too_long, cut = refused + entry.refused, too_long + long, cut + entry.cut
            empty += not (found or long or entry.refused)
            pairs += [
                Pair(question.item_id, text, self.model, question.prompt_kind, question.prompt_hash) for text in found
            ]
        return Made(pairs, {**counts, "refused": refused, "empty_answers": empty, "cut": cut, "too_long": too_long})
