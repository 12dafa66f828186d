"""Bodies of the search route."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from index.manifest import Relation
from service.schemas.fields import Answer, ItemIds, Records, RequestBody, Vectors

Extra = Literal["attributes", "semantic_id", "vector"]


class SearchRequest(RequestBody):
    """Queries in exactly one of three forms, and how many hits each shall get."""

    model_config = ConfigDict(
        populate_by_name=True,
        json_schema_extra={
            "examples": [
                {"queries": [{"text": "red enamel mug"}], "k": 2, "with": ["attributes"]},
                {"item_ids": ["85123A"], "k": 10},
                {"item_ids": ["85123A"], "k": 10, "relation": "complementary"},
                {"vectors": [[0.36, 0.48, 0.8]], "k": 10, "rerank": "exact", "depth": 100},
            ]
        },
    )

    queries: Records | None = Field(default=None, description="Records of the query tower's features.")
    vectors: Vectors | None = Field(default=None, description="Query embeddings of the bundle's dimension.")
    item_ids: ItemIds | None = Field(
        default=None, description="Items whose neighbours are wanted; an item is never a hit of itself."
    )
    relation: Relation | None = Field(
        default=None,
        description="How hits are related to the item that asks: `similar` to it, or `complementary`, going with it. "
        "Where the queries of a collection are items, records and vectors ask for `complementary` by default and "
        "`item_ids` must say which; a vector is then one of the query tower. Elsewhere only `similar` is there, for "
        "`item_ids` and `vectors`.",
    )
    k: int = Field(default=10, ge=1, description="Hits a query; at most `limits.max_k`.")
    params: dict[str, int] | None = Field(
        default=None, description="Search parameters of the index kind, for example `ef_search` or `nprobe`."
    )
    rerank: Literal["exact"] | None = Field(
        default=None, description="`exact` scores the candidates again with their stored vectors."
    )
    depth: int | None = Field(
        default=None, ge=1, description="Candidates a query before `rerank`; at least k, by default 4 k."
    )
    with_: list[Extra] = Field(default_factory=list, alias="with", description="What each hit also carries.")


class Hit(BaseModel):
    """One item that was found."""

    item_id: str = Field(description="The item.", examples=["22423"])
    score: float = Field(description="Score by the bundle's metric; larger is better.", examples=[0.83])
    attributes: dict[str, Any] | None = Field(
        default=None, description="Stored attributes, when asked for.", examples=[{"description": "REGENCY CAKESTAND"}]
    )
    semantic_id: str | None = Field(default=None, description="Semantic ID, when asked for.", examples=["12-200-7"])
    vector: list[float] | None = Field(default=None, description="Stored embedding, when asked for.")


class QueryHits(BaseModel):
    """The hits of one query."""

    hits: list[Hit] = Field(description="Best first; min(k, items there are) of them.")
    exhaustive: bool = Field(description="Whether the hits are all the items that there are.", examples=[False])


class SearchAnswer(Answer):
    """The hits of every query, in the order of the request."""

    results: list[QueryHits] = Field(description="One entry a query, in order.")
