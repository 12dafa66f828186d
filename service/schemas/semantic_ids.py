"""Bodies of the semantic-ids route: encode, decode, list a prefix."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.schemas.fields import Answer, ItemIds, Records, RequestBody, SemanticIdValue, Vectors


class SemanticIdsRequest(RequestBody):
    """Exactly one of: records, item ids or vectors to encode; semantic IDs to decode; a prefix to list."""

    model_config = ConfigDict(
        populate_by_name=True,
        json_schema_extra={
            "examples": [
                {"item_ids": ["85123A"]},
                {"semantic_ids": ["12-200-7"], "with": ["attributes"]},
                {"prefix": "12-200", "k": 20},
                {"prefix": [], "k": 0},
            ]
        },
    )

    records: Records | None = Field(default=None, description="Records to embed and encode.")
    item_ids: ItemIds | None = Field(default=None, description="Items of the corpus; gives their stored semantic IDs.")
    vectors: Vectors | None = Field(default=None, description="Embeddings to encode, as numbers or as base64.")
    semantic_ids: list[SemanticIdValue] | None = Field(
        default=None, min_length=1, description="Full semantic IDs; gives the items that have them."
    )
    prefix: SemanticIdValue | None = Field(
        default=None, description="First codes of a semantic ID; gives the items below it. An empty list is the root."
    )
    tower: Literal["query", "item"] = Field(default="item", description="Tower that embeds `records`.")
    k: int = Field(default=100, ge=0, description="Items listed under one prefix or semantic ID, by item order.")
    with_: list[Literal["attributes"]] = Field(
        default_factory=list, alias="with", description="What each listed item also carries."
    )


class EncodedSemanticId(BaseModel):
    """The semantic ID of one input."""

    semantic_id: str = Field(description="Written form; `+n` marks the nth item that shares the codes.",
                             examples=["12-200-7+1"])  # fmt: skip
    codes: list[int] = Field(description="One code a level, coarse to fine.", examples=[[12, 200, 7]])


class EncodeAnswer(Answer):
    """One semantic ID an input, in order."""

    semantic_ids: list[EncodedSemanticId] = Field(description="In the order of the request.")


class ListedItem(BaseModel):
    """One item under a semantic ID or prefix."""

    item_id: str = Field(description="The item.", examples=["22423"])
    semantic_id: str = Field(description="Its full semantic ID.", examples=["12-200-7"])
    attributes: dict[str, Any] | None = Field(default=None, description="Stored attributes, when asked for.")


class DecodedSemanticId(BaseModel):
    """The items of one semantic ID."""

    semantic_id: str = Field(description="The semantic ID that was asked for.", examples=["12-200-7"])
    count: int = Field(description="Items that have it; 0 when none does.", examples=[1])
    items: list[ListedItem] = Field(description="At most k of them.")


class DecodeAnswer(Answer):
    """The items of every semantic ID, in order."""

    results: list[DecodedSemanticId] = Field(description="One entry a semantic ID, in order.")


class PrefixChild(BaseModel):
    """One branch of the semantic-ID tree."""

    code: int = Field(description="The next code.", examples=[7])
    count: int = Field(description="Items below it.", examples=[3])


class PrefixAnswer(Answer):
    """What lies below a prefix."""

    prefix: list[int] = Field(description="The prefix that was asked for.", examples=[[12, 200]])
    count: int = Field(description="Items below the prefix.", examples=[3])
    items: list[ListedItem] = Field(description="The first k of them, by semantic ID.")
    children: list[PrefixChild] = Field(description="Next codes with their counts; empty at the last level.")
