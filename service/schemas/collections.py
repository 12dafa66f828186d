"""Bodies of the collection routes."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from service.schemas.fields import Answer, RequestBody


class LoadFailure(BaseModel):
    """Why the active version is not the served one."""

    index_version: str = Field(description="Version that did not load.")
    code: str = Field(description="Error code.", examples=["version-corrupt"])
    detail: str = Field(description="What is wrong and what to do.")
    attempts: int = Field(description="Loads tried.", examples=[1])


class LexicalInfo(BaseModel):
    """The index of words of a collection."""

    fields: list[str] = Field(description="Item columns whose words are found.", examples=[["description"]])
    query_fields: list[str] = Field(description="Fields of query records whose words are looked up.")
    n_words: int = Field(description="Different words.")
    dense_weight: float | None = Field(
        description="Learned share of the embeddings with the fusion `weighted`; null when none was learned."
    )


class CrossEncoderInfo(BaseModel):
    """The cross-encoder of the bundle."""

    query_fields: list[str] = Field(description="Fields of a query record that it reads.", examples=[["text"]])
    item_fields: list[str] = Field(description="Fields of an item that it reads.", examples=[["title"]])
    search: str | None = Field(
        description="How mode `cross_encoder` searches; null where the version was built without.", examples=["adacur"]
    )


class FeatureRankerInfo(BaseModel):
    """The feature ranker of the bundle."""

    depth: int = Field(description="Candidates of a query that it learnt to order.", examples=[200])
    history_field: str | None = Field(
        description="Field of a query record whose items it compares with; null where it compares with none.",
        examples=["history"],
    )
    item_fields: list[str] = Field(description="Columns of an item that it reads.", examples=[["price"]])


class CollectionInfo(BaseModel):
    """One collection and what it serves."""

    model_config = ConfigDict(extra="forbid")

    collection: str = Field(description="Name of the collection.", examples=["online-retail"])
    ready: bool = Field(description="Whether it answers requests.")
    bundle_id: str | None = Field(description="Served bundle; null until the first load.")
    index_version: str | None = Field(description="Served index version; null until the first load.")
    active_version: str | None = Field(description="Version that CURRENT names; differs while a swap is under way.")
    load_failure: LoadFailure | None = Field(description="Set while the active version cannot be loaded.")
    count: int | None = Field(description="Items of the served version.")
    dimension: int | None = Field(description="Width of the embeddings.")
    metric: str | None = Field(description="`cosine` or `dot`.")
    kind: str | None = Field(description="Index kind.", examples=["hnsw"])
    index_recall: float | None = Field(
        description="Agreement with exact search, measured when built; of the first of `relations` where there are two."
    )
    queries_are: str | None = Field(description="`items` where query records are items, else `queries`.")
    relations: dict[str, float] = Field(
        description="Relations between items that a search may name, each with its index recall.",
        examples=[{"complementary": 1.0, "similar": 1.0}],
    )
    query_features: list[dict[str, Any]] = Field(description="Features that query records may have.")
    item_features: list[dict[str, Any]] = Field(description="Features that item records may have.")
    lexical: LexicalInfo | None = Field(
        description="Index of words, for the modes `lexical` and `hybrid`; null without one."
    )
    cross_encoder: CrossEncoderInfo | None = Field(description="What reads query and item together; null without.")
    feature_ranker: FeatureRankerInfo | None = Field(description="What orders candidates by features; null without.")
    semantic_id_codebooks: list[int] | None = Field(description="Codes a level; null without semantic IDs.")
    fingerprints: dict[str, str] = Field(description="SHA-256 of the served files.")
    loaded_at: str | None = Field(description="When the served version was swapped in, UTC.")


class CollectionList(BaseModel):
    """All collections."""

    collections: list[CollectionInfo] = Field(description="By name.")


class ActivateRequest(RequestBody):
    """The index version to serve from now on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": "20260101T120000-3f9c0a1b"}]})

    version: str = Field(min_length=1, max_length=128, description="Name of an index version of the collection.")


class ActivateAnswer(Answer):
    """What is served after the activation."""

    previous_version: str | None = Field(description="Version that was active before.")
