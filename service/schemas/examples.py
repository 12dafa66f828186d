"""Queries by examples, as the search route takes them."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from service.schemas.fields import ItemId

Example = Annotated[
    ItemId | dict[str, Any], Field(description="An item by its id, or a record of the query tower's features.")
]


class ExampleQuery(BaseModel):
    """One query: what hits are like, by items and records. At least one of `all_of` and `any_of` holds an example."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    all_of: list[Example] = Field(default_factory=list, description="Hits are like every one of these.")
    any_of: list[Example] = Field(default_factory=list, description="Hits are like one of these at least.")
    none_of: list[Example] = Field(
        default_factory=list, description="What these have is taken out of the examples above."
    )
