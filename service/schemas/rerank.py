"""Bodies of the rerank route."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from service.schemas.fields import Answer, ItemIds, Record, Records, RequestBody, Vector


class RerankRequest(RequestBody):
    """One query and the items to order by their exact score."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"query": {"text": "red enamel mug"}, "item_ids": ["85123A", "22423"], "k": 1}]}
    )

    query: Record | None = Field(default=None, description="A record of the query tower; or give `vector`.")
    vector: Vector | None = Field(default=None, description="The query's embedding; or give `query`.")
    items: Records | None = Field(
        default=None,
        description="Records of the item tower, or with the fields that the cross-encoder reads; an `item_id` among "
        "the fields is given back.",
    )
    item_ids: ItemIds | None = Field(default=None, description="Items of the corpus; or give `items`.")
    reranker: Literal["exact", "cross_encoder", "feature_ranker"] = Field(
        default="exact",
        description="How items are scored: `exact` by the embeddings of the towers, `cross_encoder` by the bundle's "
        "cross-encoder, which reads each with the query's record, `feature_ranker` by the bundle's feature ranker, for "
        "`item_ids`; without a `query` it knows of no history.",
    )
    k: int | None = Field(default=None, ge=1, description="Hits wanted; all items by default.")


class RerankedItem(BaseModel):
    """One item with its score."""

    index: int = Field(description="Position of the item in the request, from 0.", examples=[1])
    item_id: str | None = Field(description="The item, when the request named it.", examples=["22423"])
    score: float = Field(description="Score by the `reranker`; larger is better.", examples=[0.83])


class RerankAnswer(Answer):
    """The items of the request, best first."""

    hits: list[RerankedItem] = Field(description="Best first, at most k; equal scores keep the request's order.")
