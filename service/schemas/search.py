"""Bodies of the search route."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from index.filters.filter import Filter
from index.fusion import FusionName
from index.hubness.config import HubnessMethod
from index.manifest import Relation
from index.reranked import FailureReason
from index.second_stages import SecondStageKind
from service.schemas.examples import ExampleQuery
from service.schemas.fields import Answer, ItemIds, Records, RequestBody, Vectors

Extra = Literal["attributes", "semantic_id", "vector"]


RerankName = Literal["exact", "cross_encoder", "mmr"]


class Exact(BaseModel):
    """Exact scores of the stored vectors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    kind: Literal["exact"] = Field(description="Which reranking this is.")


RerankKind = Annotated[Exact | SecondStageKind, Field(discriminator="kind")]


def _spelled_out(rerank: object) -> object:
    return {"kind": rerank} if isinstance(rerank, str) else rerank


Rerank = Annotated[RerankKind, BeforeValidator(_spelled_out, json_schema_input_type=RerankName | RerankKind)]


class LimitByPrefix(BaseModel):
    """How many hits may have the same first codes of their semantic IDs."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    level: int = Field(
        ge=1, description="First codes that are compared; at most the levels of a semantic ID.", examples=[1]
    )
    most: int = Field(ge=1, description="Hits with the same codes, at most; at most `limits.max_k`.", examples=[2])


class SearchRequest(RequestBody):
    """Queries in exactly one of four forms, and how many hits each shall get."""

    model_config = ConfigDict(
        populate_by_name=True,
        json_schema_extra={
            "examples": [
                {"queries": [{"text": "red enamel mug"}], "k": 2, "with": ["attributes"]},
                {"item_ids": ["85123A"], "k": 10},
                {"item_ids": ["85123A"], "k": 10, "relation": "complementary"},
                {"examples": [{"all_of": ["85123A", {"text": "christmas"}], "none_of": ["22423"]}], "k": 10},
                {"vectors": [[0.36, 0.48, 0.8]], "k": 10, "rerank": "exact", "depth": 100},
                {"queries": [{"text": "red enamel mug"}], "k": 10, "rerank": "cross_encoder", "depth": 50},
                {"queries": [{"text": "red mug"}], "rerank": {"kind": "cross_encoder", "budget_ms": 100}, "depth": 50},
                {
                    "queries": [{"text": "red enamel mug"}],
                    "rerank": {"kind": "blend", "weights": {"first_stage": 0.3, "cross_encoder": 0.7}},
                },
                {"item_ids": ["85123A"], "k": 10, "rerank": {"kind": "mmr", "lambda": 0.7}, "depth": 100},
                {"queries": [{"text": "red enamel mug"}], "k": 10, "mode": "cross_encoder", "budget": 100},
                {"item_ids": ["85123A"], "k": 10, "filter": {"must": [{"key": "price", "range": {"lte": 20}}]}},
                {"item_ids": ["85123A"], "k": 10, "diversify": {"level": 1, "most": 2}},
                {"item_ids": ["85123A"], "k": 4, "group_by": {"level": 1, "most": 3}},
                {"queries": [{"text": "red enamel mug"}], "k": 10, "mode": "hybrid"},
            ]
        },
    )

    queries: Records | None = Field(default=None, description="Records of the query tower's features.")
    vectors: Vectors | None = Field(
        default=None, description="Query embeddings, as numbers or as base64 like those of embed."
    )
    item_ids: ItemIds | None = Field(
        default=None, description="Items whose neighbours are wanted; an item is never a hit of itself."
    )
    examples: Annotated[list[ExampleQuery], Field(min_length=1)] | None = Field(
        default=None,
        description="Sets of items and records that hits are to be like all of, like one of, and unlike; no item that "
        "is named is a hit. Scores are exact, the least over `all_of` and the largest of `any_of`; candidates are the "
        "`depth` nearest of each example and of all together, 200 without `rerank`.",
    )
    mode: Literal["dense", "lexical", "hybrid", "cross_encoder"] = Field(
        default="dense",
        description="What is compared: embeddings (`dense`), words (`lexical`, BM25; only items that have a word of "
        "the query are hits) or both (`hybrid`). Words are those of `queries`, in collections built with an index of "
        "words. `cross_encoder`: the bundle's cross-encoder scores `budget` items a query, led from one to the next by "
        "its own scores.",
    )
    fusion: FusionName | None = Field(
        default=None,
        description="How `hybrid` joins the two scores: the mean of their z-scores (`z_score`, the default), a mean "
        "weighted as learned when the index was built or by `dense_weight` (`weighted`), or `reciprocal_rank`.",
    )
    dense_weight: float | None = Field(
        default=None, ge=0, le=1, description="Share of the embeddings with `weighted`; the rest is that of the words."
    )
    relation: Relation | None = Field(
        default=None,
        description="How hits are related to the item that asks: `similar` to it, or `complementary`, going with it. "
        "Where the queries of a collection are items, records and vectors ask for `complementary` by default and "
        "`item_ids` and `examples` must say which; a vector is then one of the query tower. Elsewhere only `similar` "
        "is there, for `item_ids`, `examples` and `vectors`.",
    )
    k: int = Field(default=10, ge=1, description="Hits a query, or groups with `group_by`; at most `limits.max_k`.")
    filter: Filter | None = Field(
        default=None,
        description="What hits must be: conditions on attributes, in the grammar of Qdrant. k hits come back wherever "
        "k items meet it.",
    )
    params: dict[str, int] | None = Field(
        default=None, description="Search parameters of the index kind, for example `ef_search` or `nprobe`."
    )
    budget: int | None = Field(
        default=None,
        ge=1,
        description="Items a query that the cross-encoder scores in mode `cross_encoder`; at least k, by default 100.",
    )
    rerank: Rerank | None = Field(
        default=None,
        description="How the candidates are ordered again. `exact` scores them with their stored vectors; "
        "`cross_encoder` has the bundle's cross-encoder read each with the query's record; `mmr` takes hits that are "
        "unlike one another; `blend` adds several scores. A name stands for the object of this kind with its defaults.",
    )
    depth: int | None = Field(
        default=None, ge=1, description="Candidates a query before `rerank`; at least k, by default 4 k."
    )
    hubness: HubnessMethod | Literal["off"] | None = Field(
        default=None,
        description="How hubs, items near to everything, are held back. A score of vectors is then that plus a bias of "
        "the item, which is 0 in the mean over all items. For index versions built with `[hubness]`; if not given, "
        "`queries` and `vectors` take the `default` of the build, and items where they are the queries of the bundle.",
    )
    diversify: LimitByPrefix | None = Field(
        default=None,
        description="At most `most` hits below one prefix of `level` codes; k hits come back wherever k are allowed.",
    )
    group_by: LimitByPrefix | None = Field(
        default=None,
        description="k groups in place of k hits, one a prefix of `level` codes, each with its `most` best hits.",
    )
    with_: list[Extra] = Field(default_factory=list, alias="with", description="What each hit also carries.")


class Hit(BaseModel):
    """One item that was found."""

    item_id: str = Field(description="The item.", examples=["22423"])
    score: float = Field(
        description="Larger is better: the bundle's metric, or as `mode`, `rerank` and `hubness` say.", examples=[0.83]
    )
    attributes: dict[str, Any] | None = Field(
        default=None, description="Stored attributes, when asked for.", examples=[{"description": "REGENCY CAKESTAND"}]
    )
    semantic_id: str | None = Field(default=None, description="Semantic ID, when asked for.", examples=["12-200-7"])
    vector: list[float] | None = Field(default=None, description="Stored embedding, when asked for.")
    reranked: bool | None = Field(
        default=None,
        description="With `rerank` of the kinds `cross_encoder` and `blend`: whether `score` is that of the reranking. "
        "Where it is false it is that of the first stage, and the two do not compare.",
    )


class Degraded(BaseModel):
    """Why hits are not what the request asked for."""

    reason: FailureReason = Field(
        description="The reranker `failed`, gave a score that is `not_a_number`, or ran `out_of_time`."
    )
    detail: str = Field(description="What happened and what can be done.")


class QueryHits(BaseModel):
    """The hits of one query."""

    hits: list[Hit] = Field(
        description="Best first; min(k, items that `filter` allows) of them; with mode `lexical`, items with a word of "
        "the query."
    )
    exhaustive: bool = Field(
        description="Whether the hits are all that there are, or all that `filter` and `diversify` allow.",
        examples=[False],
    )

    scored: int | None = Field(
        default=None,
        description="With `rerank` of the kinds `cross_encoder` and `blend`: candidates that were scored, from the "
        "first on; they come first.",
        examples=[50],
    )
    degraded: Degraded | None = Field(
        default=None, description="Given where the reranker failed or its time did not suffice: why."
    )


class HitGroup(BaseModel):
    """The hits below one prefix."""

    prefix: str = Field(description="The codes that the hits share, as the semantic-ids route takes them.",
                        examples=["12"])  # fmt: skip
    hits: list[Hit] = Field(description="Best first; min(most, items below the prefix) of them.")


class QueryGroups(BaseModel):
    """The groups of one query, where `group_by` is given."""

    groups: list[HitGroup] = Field(description="By best hit, best first; min(k, prefixes of allowed items) of them.")
    exhaustive: bool = Field(
        description="Whether the groups are all that there are, or all that `filter` allows.", examples=[False]
    )


class SearchAnswer(Answer):
    """The hits of every query, in the order of the request."""

    results: list[QueryHits] | list[QueryGroups] = Field(
        description="One entry a query, in order; groups where the request has `group_by`."
    )
