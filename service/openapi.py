"""The OpenAPI document: FastAPI's, with one problem schema for every error and examples that work."""

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from service.media_types import RAW
from service.problems import MEDIA_TYPE
from service.schemas.problem import Problem

_REFERENCE = {"$ref": "#/components/schemas/Problem"}
_MEANINGS = {
    400: "The request cannot be used; the message names the field and the position.",
    401: "The server asks for an API key, and none or an unknown one was sent.",
    403: "The key is not for this collection or lacks the scope, or activation over HTTP is off.",
    404: "The collection, model, item or version is unknown.",
    409: "What was asked for does not fit what is served.",
    413: "The body or the batch is too large.",
    415: "The body is of a media type that the route does not take.",
    422: "The request cannot be used; the detail names the field and the position.",
    429: "The queue is full; Retry-After says when to come back.",
    500: "Internal error; quote the request id.",
    503: "Not ready, or what is active cannot be served.",
    504: "No answer within the deadline.",
}
_ROWS = {RAW.decode(): {"schema": {"type": "string", "format": "binary"}}}
_NAMES = {
    "Tandem-Collection": ("Collection that answered.", "string"),
    "Tandem-Bundle-Id": ("Bundle whose towers answered.", "string"),
    "Tandem-Index-Version": ("Index version that answered.", "string"),
    "Tandem-Dimension": ("Width of every embedding.", "integer"),
}
# Raw vectors in an answer and in a request, beside the JSON of the same route.
RAW_ANSWER: dict[str, Any] = {
    "responses": {
        200: {
            "content": _ROWS,
            "headers": {
                name: {"description": f"With raw embeddings: {meaning}", "schema": {"type": kind}}
                for name, (meaning, kind) in _NAMES.items()
            },
        }
    },
}
RAW_BODY: dict[str, Any] = {"requestBody": {"content": _ROWS}}


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documentation of error answers with the given statuses."""
    responses: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        content = {MEDIA_TYPE: {"schema": _REFERENCE}}
        responses[status] = {"description": _MEANINGS[status], "content": content}
        if status == 429:
            header = {"description": "Seconds to wait.", "schema": {"type": "integer"}}
            responses[status]["headers"] = {"Retry-After": header}
    return responses


def error_responses(shape: type[BaseModel], *statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documentation of error answers in the shape of another service."""
    responses = problem_responses(*statuses)
    for response in responses.values():
        del response["content"]
        response["model"] = shape
    return responses


class DocumentedApp(FastAPI):
    """A FastAPI application whose document also describes problems and the API key."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made once."""
        if self.openapi_schema is None:
            return _completed(super().openapi())
        return super().openapi()


def _completed(content: dict[str, Any]) -> dict[str, Any]:
    schemas = content.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    # FastAPI adds its own shape of validation errors to every route with a parameter; errors are problems here.
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for methods in content["paths"].values():
        for operation in methods.values():
            if "HTTPValidationError" in str(operation["responses"].get("422")):
                del operation["responses"]["422"]
    content["components"]["securitySchemes"] = {"api_key": {"type": "http", "scheme": "bearer"}}
    content["security"] = [{}, {"api_key": []}]  # a key is needed where the server has a key file
    return content
