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

    records: Records | None = Field(
        default=None, description="Records to embed and encode; gives raw codes, before collisions are resolved."
    )
    item_ids: ItemIds | None = Field(
        default=None, description="Items of the corpus; gives their final semantic IDs, unique."
    )
    vectors: Vectors | None = Field(
        default=None,
        description="Embeddings to encode, as numbers or as base64; gives raw codes, before collisions are resolved.",
    )
    semantic_ids: list[SemanticIdValue] | None = Field(
        default=None, min_length=1, description="Full semantic IDs; gives the items that have them."
    )
    prefix: SemanticIdValue | None = Field(
        default=None, description="First codes of a semantic ID; gives the items below it. An empty list is the root."
    )
    tower: Literal["query", "item"] = Field(default="item", description="Tower that embeds `records`.")
    k: int = Field(default=100, ge=0, description="Items listed under one prefix or semantic ID, by semantic ID.")
    offset: int = Field(default=0, ge=0, description="Items passed over before those listed, to page through them.")
    with_: list[Literal["attributes"]] = Field(
        default_factory=list, alias="with", description="What each listed item also carries."
    )


class EncodedSemanticId(BaseModel):
    """The semantic ID of one input."""

    semantic_id: str = Field(
        description="Written form; of an item of the corpus the final one, where `+n` tells items with the same codes "
        "apart; of records and vectors the raw codes, which items may share or have left for others.",
        examples=["12-200-7+1"],
    )
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
    items: list[ListedItem] = Field(description="At most k of them after the first `offset`, by suffix.")


class DecodeAnswer(Answer):
    """The items of every semantic ID, in order."""

    results: list[DecodedSemanticId] = Field(description="One entry a semantic ID, in order.")


class PrefixName(BaseModel):
    """What the items below a prefix are."""

    items: list[str] = Field(description="Items nearest to their mean, nearest first.", examples=[["22423", "22699"]])
    words: list[str] = Field(
        description="Words that set it apart from its parent, best first.", examples=[["teacup", "saucer"]]
    )


_NAME = "Null for the root, for full codes, and where fewer than two items lie below."


class PrefixChild(BaseModel):
    """One branch of the semantic-ID tree."""

    code: int = Field(description="The next code.", examples=[7])
    count: int = Field(description="Items below it.", examples=[3])
    name: PrefixName | None = Field(description=f"What its items are. {_NAME}")


class PrefixAnswer(Answer):
    """What lies below a prefix."""

    prefix: list[int] = Field(description="The prefix that was asked for.", examples=[[12, 200]])
    count: int = Field(description="Items below the prefix.", examples=[3])
    name: PrefixName | None = Field(description=f"What its items are. {_NAME}")
    items: list[ListedItem] = Field(description="At most k of them after the first `offset`, by semantic ID.")
    children: list[PrefixChild] = Field(description="Next codes with their counts; empty at the last level.")
