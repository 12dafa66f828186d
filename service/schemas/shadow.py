"""Bodies of the shadow routes."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from index.shadow import DEFAULT_SHARE
from service.schemas.collections import LoadFailure
from service.schemas.fields import RequestBody


class ShadowRequest(RequestBody):
    """The candidate to try from now on, in place of another."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": "20260101T120000-3f9c0a1b", "share": 0.1}]})

    version: str = Field(min_length=1, max_length=128, description="Name of an index version of the collection.")
    share: float = Field(default=DEFAULT_SHARE, gt=0, le=1, description="Share of the search requests to repeat on it.")


class ShadowEstimate(BaseModel):
    """A mean over compared searches with its 95 % confidence interval."""

    mean: float = Field(description="Mean.", examples=[0.93])
    low: float = Field(description="Lower end of the interval.")
    high: float = Field(description="Upper end of the interval.")
    n_searches: int = Field(description="Searches that it is over: the last ones compared.")


class ScoreDifference(BaseModel):
    """Score on the candidate less score on the served version, over the items that both found."""

    mean: float = Field(description="Mean.", examples=[-0.004])
    p05: float = Field(description="5 % quantile.")
    p50: float = Field(description="Median.")
    p95: float = Field(description="95 % quantile.")


class ShadowSearches(BaseModel):
    """Searches drawn for the trial, by what became of them."""

    compared: int = Field(description="Repeated on the candidate.")
    dropped: int = Field(description="Passed by, because others waited for their turn.")
    not_comparable: int = Field(description="Searches by vectors, where the candidate has another bundle.")
    failed: int = Field(description="Answered by the candidate with an error.")


class ShadowInfo(BaseModel):
    """A trial, and what it has shown so far."""

    model_config = ConfigDict(extra="forbid")

    collection: str = Field(description="Name of the collection.", examples=["online-retail"])
    status: Literal["off", "loading", "running", "failing"] = Field(description="Whether the candidate is tried.")
    index_version: str | None = Field(description="Served version; null until the first load.")
    candidate_version: str | None = Field(description="Version that is tried; null where there is none.")
    share: float | None = Field(default=None, description="Share of the search requests that are repeated on it.")
    started_at: str | None = Field(default=None, description="When the trial began, UTC.")
    same_bundle: bool | None = Field(default=None, description="Whether both versions have one bundle.")
    load_failure: LoadFailure | None = Field(default=None, description="Why the candidate cannot be loaded.")
    searches: ShadowSearches | None = Field(default=None, description="Searches drawn, counted.")
    errors: dict[str, int] = Field(default={}, description="Failed searches by error code.")
    overlap: ShadowEstimate | None = Field(
        default=None, description="Share of the larger number of hits that both have; null before the first comparison."
    )
    first_changed: ShadowEstimate | None = Field(default=None, description="Share of searches with another first hit.")
    score_difference: ScoreDifference | None = Field(default=None, description="How far scores moved.")
