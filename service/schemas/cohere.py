"""Bodies of the rerank route in Cohere's and Jina's shape."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from service.schemas.fields import RequestBody

_TEXT_OBJECT = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
_Documents = Annotated[
    list[Any],
    WithJsonSchema({"type": "array", "items": {"anyOf": [{"type": "string"}, _TEXT_OBJECT]}, "minItems": 1}),
]


class CohereRerankRequest(RequestBody):
    """A query and the texts to order by it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"model": "online-retail", "query": "red mug", "documents": ["blue lamp", "red enamel mug"], "top_n": 1}
            ]
        }
    )

    query: str = Field(description="The query.")
    documents: _Documents = Field(
        description="Texts, or objects with `text` and whatever else shall be given back; at most "
        "`limits.max_rerank_items`."
    )
    model: str | None = Field(default=None, description="A collection; `compat.default_model` where it is left out.")
    top_n: int | None = Field(default=None, ge=1, description="Results wanted; all by default.")
    return_documents: bool = Field(default=False, description="Whether results carry their document.")
    rank_fields: list[Literal["text"]] | None = Field(default=None, description="Only `text` is ranked by.")
    max_tokens_per_doc: int | None = Field(
        default=None, ge=1, description="A limit below the one of the item tower is refused."
    )
    priority: int | None = Field(default=None, description="Taken and not used: requests are answered in turn.")


class CohereResult(BaseModel):
    """One document with its score."""

    index: int = Field(description="Position of the document in the request, from 0.", examples=[1])
    relevance_score: float = Field(
        description="Between 0 and 1, larger is better, 0.5 where there is no relation: (1 + cosine) / 2, or the "
        "logistic function of the inner product where the metric is `dot`. No probability.",
        examples=[0.93],
    )
    document: dict[str, Any] | None = Field(
        default=None, description="The document, when asked for; a text comes back as `text`."
    )


class CohereRerankAnswer(BaseModel):
    """The documents of the request, best first."""

    id: str = Field(description="Id of the request.")
    model: str = Field(description="The collection that answered.", examples=["online-retail"])
    results: list[CohereResult] = Field(description="Best first, at most `top_n`.")
    meta: dict[str, Any] = Field(description="Version of the interface; nothing is billed.")


class CohereError(BaseModel):
    """An error as Cohere writes it, with the `detail` in which Jina's clients look."""

    id: str = Field(description="Id of the request.")
    message: str = Field(description="What is wrong with this request, and what to do.")
    detail: str = Field(description="The same.")
    code: str = Field(description="Stable code for programs.", examples=["unknown-model"])
