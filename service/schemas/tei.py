"""Bodies of the routes in the shape of text-embeddings-inference."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from service.schemas.fields import RequestBody, Texts

_Side = Literal["right", "Right"]


class TeiEmbedRequest(RequestBody):
    """Texts to embed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"inputs": ["red enamel mug"], "prompt_name": "query"}]})

    inputs: Texts = Field(description="A text or several, at most `limits.max_batch`; token ids are refused.")
    prompt_name: Literal["query", "document"] | None = Field(
        default=None,
        description="`query` for the query tower, `document` for the item tower; else that of `compat.default_model`.",
    )
    normalize: bool = Field(
        default=True, description="Whether embeddings get unit length; those of metric `cosine` always have it."
    )
    truncate: bool | None = Field(
        default=None, description="Long texts are always cut at `max_input_length`; false is refused."
    )
    truncation_direction: _Side = Field(default="right", description="Texts are cut at their end.")
    dimensions: int | None = Field(
        default=None,
        ge=1,
        description="Width of the embeddings: the bundle's own, or one that it was trained to be cut to (Matryoshka).",
    )


class TeiEmbedAnswer(RootModel[list[list[float]]]):
    """One embedding a text, in order."""

    root: list[list[float]] = Field(description="One embedding a text, in order.", examples=[[[0.36, 0.48, 0.8]]])


class TeiRerankRequest(RequestBody):
    """A query and the texts to order by it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"query": "red mug", "texts": ["blue lamp", "red enamel mug"]}]}
    )

    query: str = Field(description="The query.")
    texts: list[str] = Field(description="The texts; at most `limits.max_rerank_items`.")
    raw_scores: bool = Field(
        default=False,
        description="The score itself, a cosine or an inner product; else it is mapped to 0 to 1: (1 + cosine) / 2, or "
        "the logistic function of the inner product.",
    )
    return_text: bool = Field(default=False, description="Whether results carry their text.")
    truncate: bool | None = Field(default=None, description="Long texts are always cut; false is refused.")
    truncation_direction: _Side = Field(default="right", description="Texts are cut at their end.")


class TeiRank(BaseModel):
    """One text with its score."""

    index: int = Field(description="Position of the text in the request, from 0.", examples=[1])
    score: float = Field(description="Larger is better.", examples=[0.93])
    text: str | None = Field(default=None, description="The text, when asked for.")


class TeiRerankAnswer(RootModel[list[TeiRank]]):
    """The texts of the request, best first."""

    root: list[TeiRank] = Field(description="Best first.")


class TeiInfo(BaseModel):
    """The model behind the routes of this shape, and the limits of a request."""

    model_config = ConfigDict(protected_namespaces=())

    model_id: str = Field(description="The model, as `GET /v1/models` names it.", examples=["online-retail"])
    model_sha: str = Field(description="Bundle that answers.")
    model_dtype: Literal["float32"] = Field(default="float32", description="Numbers of the embeddings.")
    served_model_name: str = Field(description="The model, once more.")
    model_type: dict[str, Any] = Field(description="An embedding model; its tower pools by itself.")
    max_concurrent_requests: int = Field(description="Records admitted before 429 is answered.")
    max_input_length: int = Field(description="Words or word pieces read from the start of a text.")
    max_batch_tokens: int = Field(description="Bound of what one run of the tower reads.")
    max_batch_requests: int = Field(description="Records joined into one run of the tower.")
    max_client_batch_size: int = Field(description="Texts in one request.")
    auto_truncate: bool = Field(default=True, description="Long texts are always cut.")
    tokenization_workers: int = Field(description="Worker threads of the collection.")
    version: str = Field(description="Version of the server.")
    sha: str | None = Field(default=None, description="Always null.")
    docker_label: str | None = Field(default=None, description="Always null.")


class TeiError(BaseModel):
    """An error as text-embeddings-inference writes it."""

    error: str = Field(description="What is wrong with this request, and what to do.")
    error_type: Literal["validation", "overloaded", "unhealthy", "backend"] = Field(description="Kind of error.")
