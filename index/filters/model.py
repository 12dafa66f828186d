"""What all parts of a filter share: they are request schema, and hashable."""

from typing import Protocol

from pydantic import BaseModel, ConfigDict

from index.filters.fields import BoolArray, Fields


class FilterModel(BaseModel):
    """A part of a filter: frozen, JSON types as they are, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class Predicate(Protocol):
    """A condition whose field is known to exist and whose values are read; hashable."""

    def mask(self, fields: Fields) -> BoolArray:
        """Whether each row meets the condition, bool [N]."""
