"""Tokens, what they cost, and the budget that no request may pass.

A request reserves the most that it can cost before it is sent: every byte of its prompt as one token, and all the
tokens that the answer may have. It is sent only when what was spent and reserved so far leaves room for that.
"""

import asyncio

from training.errors import BudgetReached

PROMPT_OVERHEAD = 64  # tokens that endpoints add around a message


class Spend:
    """Counts tokens and money; prices are for 1,000 tokens, and money is in the currency of the prices."""

    def __init__(self, price_in: float, price_out: float, budget: float | None) -> None:
        self._price_in, self._price_out, self.budget = price_in, price_out, budget
        self.tokens_in = self.tokens_out = 0
        self._reserved = 0.0
        self._in_flight = 0
        self._changed = asyncio.Condition()

    @property
    def cost(self) -> float:
        """What the counted tokens cost."""
        return self._price(self.tokens_in, self.tokens_out)

    def add(self, tokens_in: int, tokens_out: int) -> None:
        """Count the tokens of an answer."""
        self.tokens_in += tokens_in
        self.tokens_out += tokens_out

    def most(self, prompt: str, max_tokens: int) -> float:
        """The most that a request can cost."""
        return self._price(len(prompt.encode()) + PROMPT_OVERHEAD, max_tokens)

    async def reserve(self, most: float) -> None:
        """Return when `most` fits the budget; raises BudgetReached when it never will."""
        async with self._changed:
            while self.budget is not None and self.cost + self._reserved + most > self.budget:
                if self._in_flight == 0:
                    raise BudgetReached(
                        f"{self.cost:.4f} of the budget of {self.budget:g} is spent, and the next request may cost "
                        f"{most:.4f}; every answer so far is kept, so raise source.budget and go on with --resume",
                        cost=self.cost,
                    )
                await self._changed.wait()
            self._reserved += most
            self._in_flight += 1

    async def release(self, most: float) -> None:
        """The request that reserved `most` is answered and counted, or given up."""
        async with self._changed:
            self._in_flight -= 1
            self._reserved = self._reserved - most if self._in_flight else 0.0
            self._changed.notify_all()

    def _price(self, tokens_in: int, tokens_out: int) -> float:
        return (tokens_in * self._price_in + tokens_out * self._price_out) / 1000
