"""Requests drawn from the OpenAPI document: whatever is sent, the answer is a documented one and never a 500."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode

from service.slots import Slots
from tests.service.running import LiveApp
from tests.service.schema_cases import check_case, drawable, name_of
from tests.service.schema_fuzz import fuzz

QUIETLY: dict[str, Any] = {"deadline": None, "derandomize": True, "database": None}


@pytest.mark.parametrize(("operation", "mode"), [pytest.param(*drawn, id=name_of(*drawn)) for drawn in drawable()])
def test_every_answer_is_documented(operation: Any, mode: GenerationMode, shop: LiveApp) -> None:
    @settings(max_examples=100, suppress_health_check=list(HealthCheck), **QUIETLY)
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: Any) -> None:
        check_case(case, shop, "shop")

    check()


def test_the_long_mode_sends_until_its_time_is_over_and_tells_of_a_500_once(
    shop: LiveApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent, faults = fuzz(shop, 0.01, 1, 5, "GET /livez")
    assert sent > 0 and faults == {}

    def fail(_: Slots) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(Slots, "state", fail)
    _, faults = fuzz(shop, 1, 1, 5, "GET /readyz")
    (fault,) = faults.values()
    assert "curl" in fault and "/readyz" in fault
