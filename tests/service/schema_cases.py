"""Requests drawn from the OpenAPI document, and what must hold of every answer to them."""

from collections.abc import Sequence
from typing import Any

import schemathesis
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


def drawable() -> Sequence[tuple[Any, GenerationMode]]:
    """Every operation of the document, with the ways to draw requests for it: as documented, or against the document.

    Only a body can be drawn so that it breaks the document.
    """
    drawn = schemathesis.openapi.from_dict(openapi_document()).get_all_operations()
    operations = [result.ok() for result in drawn if isinstance(result, Ok)]
    return [
        (operation, mode)
        for operation in operations
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        if mode is GenerationMode.POSITIVE or len(operation.body)
    ]


def name_of(operation: Any, mode: GenerationMode) -> str:
    """What reports call the two."""
    return f"{operation.label} {mode.value}"


def check_case(case: Any, app: LiveApp, collection: str) -> None:
    """Send one request, to a collection that is there; raises what the checks of schemathesis raise."""
    if "collection" in (case.path_parameters or {}):
        case.path_parameters["collection"] = collection
    request = case.as_transport_kwargs(base_url="http://test")
    case.validate_response(app.run(app.client.request(**_for_httpx(request))), checks=CHECKS)


def _for_httpx(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a request of the library requests, as httpx takes them."""
    names = "method", "url", "params", "headers", "json"
    kept: dict[str, Any] = {name: kwargs[name] for name in names if name in kwargs}
    if isinstance(kwargs.get("data"), bytes | str):
        kept["content"] = kwargs["data"]
    return kept
