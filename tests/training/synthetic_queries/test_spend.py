import asyncio

import pytest

from training.errors import BudgetReached
from training.synthetic_queries.spend import PROMPT_OVERHEAD, Spend


def test_cost_is_tokens_times_price() -> None:
    spend = Spend(0.5, 2.0, None)
    spend.add(1000, 100)
    spend.add(500, 0)
    assert spend.cost == pytest.approx(1.5 * 0.5 + 0.1 * 2.0)
    assert spend.most("né", 100) == pytest.approx((3 + PROMPT_OVERHEAD) * 0.0005 + 0.2)


def test_a_request_waits_for_room_and_the_budget_is_never_passed() -> None:
    async def run() -> tuple[list[float], float]:
        spend, seen = Spend(0, 1000, 10), []  # a token costs 1

        async def one() -> None:
            await spend.reserve(4)
            seen.append(spend._reserved + spend.cost)
            await asyncio.sleep(0.01)
            spend.add(0, 3)
            await spend.release(4)

        # Two fit at once. After both 6 is spent, and one more fits; at 9 none does.
        await asyncio.gather(one(), one(), one())
        with pytest.raises(BudgetReached, match=r"9\.0000 of the budget of 10 is spent.*--resume"):
            await spend.reserve(4)
        return seen, spend.cost

    seen, cost = asyncio.run(run())
    assert max(seen) <= 10
    assert cost == 9


def test_without_a_budget_nothing_waits() -> None:
    asyncio.run(Spend(1, 1, None).reserve(1e9))
