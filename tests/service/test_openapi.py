from typing import Any

import pytest

from service.app import openapi_document
from tests.service.running import LiveApp

ROUTES = {
    "/v1/collections/{collection}/search": "post",
    "/v1/collections/{collection}/embed": "post",
    "/v1/collections/{collection}/rerank": "post",
    "/v1/collections/{collection}/semantic-ids": "post",
    "/v1/collections/{collection}/activate": "post",
    "/v1/embeddings": "post",
    "/v1/models": "get",
    "/v1/models/{model}": "get",
    "/v1/rerank": "post",
    "/v2/rerank": "post",
    "/": "post",
    "/embed": "post",
    "/rerank": "post",
    "/info": "get",
    "/v1/collections": "get",
    "/v1/collections/{collection}": "get",
    "/v1/collections/{collection}/versions": "get",
    "/v1/collections/{collection}/shadow": "post",
    "/livez": "get",
    "/readyz": "get",
    "/health": "get",
    "/metrics": "get",
    "/errors": "get",
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi_document()


def test_every_route_is_documented(document: dict[str, Any]) -> None:
    assert {path: next(iter(methods)) for path, methods in document["paths"].items()} == ROUTES
    for methods in document["paths"].values():
        for operation in methods.values():
            assert operation["summary"] and operation["description"] and operation["operationId"]
            assert "HTTPValidationError" not in str(operation)


def test_hot_routes_show_their_models_and_problems(document: dict[str, Any]) -> None:
    operation = document["paths"]["/v1/collections/{collection}/search"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/SearchRequest"}
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer == {"$ref": "#/components/schemas/SearchAnswer"}
    problem = operation["responses"]["422"]["content"]["application/problem+json"]["schema"]
    assert problem == {"$ref": "#/components/schemas/Problem"}
    assert "Retry-After" in operation["responses"]["429"]["headers"]


@pytest.mark.parametrize(
    ("path", "shape"), [("/v1/embeddings", "OpenAiError"), ("/v1/rerank", "CohereError"), ("/embed", "TeiError")]
)
def test_routes_of_other_services_show_their_own_errors(document: dict[str, Any], path: str, shape: str) -> None:
    responses = document["paths"][path]["post"]["responses"]
    shown = {status: answer["content"] for status, answer in responses.items() if status != "200"}
    assert "429" in shown
    assert all(
        content == {"application/json": {"schema": {"$ref": f"#/components/schemas/{shape}"}}}
        for content in shown.values()
    )
    assert "Retry-After" in responses["429"]["headers"]


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    def references(value: object) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [found for child in value.values() for found in references(child)]
        return [found for child in value for found in references(child)] if isinstance(value, list) else []

    for reference in references(document):
        assert reference.removeprefix("#/components/schemas/") in schemas


def test_every_property_is_described(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        for field, details in schema.get("properties", {}).items():
            assert details.get("description"), f"{name}.{field}"


def test_the_served_document_is_the_generated_one(shop: LiveApp, document: dict[str, Any]) -> None:
    assert shop.get("/openapi.json").json() == document
    assert shop.get("/docs").status_code == 200
