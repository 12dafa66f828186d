"""Bodies of the versions route."""

from pydantic import BaseModel, Field


class VersionInfo(BaseModel):
    """One index version of a collection."""

    index_version: str = Field(description="Name of the version.")
    is_active: bool = Field(description="Whether CURRENT names it.")
    is_served: bool = Field(description="Whether requests are answered with it.")
    fault: str | None = Field(default=None, description="Why its manifest cannot be read; null when it can.")
    bundle_id: str | None = Field(default=None, description="Bundle that embedded it.")
    created_at: str | None = Field(default=None, description="UTC time of its build.")
    count: int | None = Field(default=None, description="Items.")
    kind: str | None = Field(default=None, description="Index kind.")
    index_recall: float | None = Field(default=None, description="Agreement with exact search, measured when built.")
    target_recall: float | None = Field(default=None, description="Index recall that the build had to reach.")


class VersionList(BaseModel):
    """The index versions of one collection."""

    collection: str = Field(description="Name of the collection.")
    versions: list[VersionInfo] = Field(description="Newest first.")
