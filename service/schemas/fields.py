"""What all request and answer models share."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

Record = Annotated[
    dict[str, Any],
    Field(description="Feature values by name, as the bundle's feature spec names them; unknown names are refused."),
]
Records = Annotated[list[dict[str, Any]], Field(min_length=1)]
ItemId = Annotated[str, Field(min_length=1, max_length=1024)]
ItemIds = Annotated[list[ItemId], Field(min_length=1)]
# The numbers are read once, by numpy, in service/vectors.py; a model of floats would cost more than the search.
Vector = Annotated[list[Any], WithJsonSchema({"type": "array", "items": {"type": "number"}, "minItems": 1})]
Vectors = Annotated[
    list[Any],
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "array", "items": {"type": "array", "items": {"type": "number"}}, "minItems": 1},
                {"type": "array", "items": {"type": "string", "contentEncoding": "base64"}, "minItems": 1},
            ]
        }
    ),
]
# Token ids are among what clients send here; they are refused with a reason, so they pass the model.
Texts = Annotated[
    str | list[Any],
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]
SemanticIdValue = Annotated[
    Annotated[str, Field(max_length=256)] | list[int],
    Field(description="A semantic ID as text (`12-200-7`) or as a list of codes."),
]


class RequestBody(BaseModel):
    """A request body: JSON types are taken as they are, and unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Answer(BaseModel):
    """What every answer carries: exactly what it was made with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    collection: str = Field(description="Collection that answered.", examples=["online-retail"])
    bundle_id: str = Field(description="Bundle whose towers answered.", examples=["3f9c0a1b2c3d4e5f"])
    index_version: str = Field(description="Index version that answered.", examples=["20260101T120000-3f9c0a1b"])
