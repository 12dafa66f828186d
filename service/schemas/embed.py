"""Bodies of the embed route."""

from typing import Literal

from pydantic import ConfigDict, Field

from service.schemas.fields import Answer, Records, RequestBody


class EmbedRequest(RequestBody):
    """Records to embed with one tower."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"tower": "query", "records": [{"text": "red enamel mug"}]}]}
    )

    records: Records = Field(description="Records of the tower's features; at most `limits.max_batch`.")
    tower: Literal["query", "item"] = Field(default="query", description="Tower that embeds.")
    encoding_format: Literal["float", "base64"] = Field(
        default="float", description="Numbers, or base64 of little-endian float32."
    )
    dimensions: int | None = Field(
        default=None,
        ge=1,
        description="Width of the embeddings: the bundle's own, or one that it was trained to be cut to (Matryoshka).",
    )


class EmbedAnswer(Answer):
    """One embedding a record, in order."""

    dimension: int = Field(description="Width of every embedding.", examples=[3])
    embeddings: list[list[float]] | list[str] = Field(
        description="Embeddings as numbers or as base64.", examples=[[[0.36, 0.48, 0.8]]]
    )
