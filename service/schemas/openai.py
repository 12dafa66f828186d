"""Bodies of the routes in OpenAI's shape."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from service.schemas.fields import RequestBody, Texts


class OpenAiEmbeddingsRequest(RequestBody):
    """Texts to embed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"model": "online-retail", "input": ["red enamel mug"]}]})

    input: Texts = Field(description="A text or several, at most `limits.max_batch`; token ids are refused.")
    model: str = Field(description="`collection` for its query tower, `collection/item` for its item tower.")
    encoding_format: Literal["float", "base64"] = Field(
        default="float", description="Numbers, or base64 of little-endian float32."
    )
    dimensions: int | None = Field(
        default=None,
        ge=1,
        description="Width of the embeddings: the bundle's own, or one that it was trained to be cut to (Matryoshka).",
    )
    user: str | None = Field(default=None, description="Taken and not used.")


class OpenAiEmbedding(BaseModel):
    """The embedding of one text."""

    object: Literal["embedding"] = Field(description="Always `embedding`.")
    index: int = Field(description="Position of the text in the request, from 0.")
    embedding: list[float] | str = Field(description="Numbers or base64.", examples=[[0.36, 0.48, 0.8]])


class OpenAiUsage(BaseModel):
    """What was read."""

    prompt_tokens: int = Field(
        description="What the tower read: word pieces with special ones, or hashed words and n-grams."
    )
    total_tokens: int = Field(description="The same.")


class OpenAiEmbeddingsAnswer(BaseModel):
    """One embedding a text, in order."""

    object: Literal["list"] = Field(description="Always `list`.")
    data: list[OpenAiEmbedding] = Field(description="One entry a text, in order.")
    model: str = Field(description="The model as it was asked for.", examples=["online-retail"])
    usage: OpenAiUsage = Field(description="How much was read.")


class OpenAiModel(BaseModel):
    """A tower that reads a text."""

    id: str = Field(description="`collection` or `collection/item`.", examples=["online-retail/item"])
    object: Literal["model"] = Field(default="model", description="Always `model`.")
    created: int = Field(description="Unix time at which the served version was swapped in.")
    owned_by: Literal["tandem"] = Field(default="tandem", description="Always `tandem`.")


class OpenAiModels(BaseModel):
    """All models."""

    object: Literal["list"] = Field(default="list", description="Always `list`.")
    data: list[OpenAiModel] = Field(description="By name.")


class OpenAiErrorDetail(BaseModel):
    """What is wrong."""

    message: str = Field(description="What is wrong with this request, and what to do.")
    type: str = Field(description="Kind of error.", examples=["invalid_request_error"])
    param: str | None = Field(description="Field at fault, where one is known.")
    code: str | None = Field(description="Stable code for programs.", examples=["model_not_found"])


class OpenAiError(BaseModel):
    """An error as OpenAI writes it."""

    error: OpenAiErrorDetail = Field(description="The error.")
