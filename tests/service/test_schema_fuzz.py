"""Requests drawn from the OpenAPI document: whatever is sent, the answer is a documented one and never a 500."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from service.app import openapi_document
from tests.service.running import LiveApp

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
DRAWN = schemathesis.openapi.from_dict(openapi_document()).get_all_operations()
OPERATIONS = [result.ok() for result in DRAWN if isinstance(result, Ok)]
QUIETLY: dict[str, Any] = {"deadline": None, "derandomize": True, "database": None}


# Only a body can be drawn so that it breaks the document.
CASES = [
    pytest.param(operation, mode, id=f"{operation.label} {mode.value}")
    for operation in OPERATIONS
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    if mode is GenerationMode.POSITIVE or len(operation.body)
]


@pytest.mark.parametrize(("operation", "mode"), CASES)
def test_every_answer_is_documented(operation: Any, mode: GenerationMode, shop: LiveApp) -> None:
    @settings(max_examples=100, suppress_health_check=list(HealthCheck), **QUIETLY)
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: Any) -> None:
        if "collection" in (case.path_parameters or {}):
            case.path_parameters["collection"] = "shop"
        request = case.as_transport_kwargs(base_url="http://test")
        case.validate_response(shop.run(shop.client.request(**_for_httpx(request))), checks=CHECKS)

    check()


def _for_httpx(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a request of the library requests, as httpx takes them."""
    names = "method", "url", "params", "headers", "json"
    kept: dict[str, Any] = {name: kwargs[name] for name in names if name in kwargs}
    if isinstance(kwargs.get("data"), bytes | str):
        kept["content"] = kwargs["data"]
    return kept
