"""Bodies of the health routes."""

from typing import Literal

from pydantic import BaseModel, Field


class Health(BaseModel):
    """Whether the server can answer, and why not."""

    status: Literal["ready", "loading", "failing", "draining"] = Field(description="State of the server.")
    detail: str = Field(description="What is missing; empty when ready.")
    collections: dict[str, str | None] = Field(description="Served index version by collection.")
    version: str = Field(description="Version of the server.")


class Liveness(BaseModel):
    """The process runs."""

    status: Literal["alive"] = Field(description="Always `alive`.")
