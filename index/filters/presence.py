"""Conditions on whether a field has a value, and on which item it is."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field

from index.filters.fields import BoolArray, Fields
from index.filters.model import FilterModel, Predicate


class FieldName(FilterModel):
    """Names a field."""

    key: str = Field(description="Attribute of the items.", examples=["colour"])


class IsNullCondition(FilterModel):
    """A field without a value, or a list with a null in it."""

    is_null: FieldName = Field(description="The field.")

    n_values: ClassVar[int] = 1

    def bind(self, fields: Fields) -> Predicate:
        """The predicate; raises InvalidFilter."""
        return IsNull(fields.field(self.is_null.key).key)


class IsEmptyCondition(FilterModel):
    """A field without a value, or an empty list."""

    is_empty: FieldName = Field(description="The field.")

    n_values: ClassVar[int] = 1

    def bind(self, fields: Fields) -> Predicate:
        """The predicate; raises InvalidFilter."""
        return IsEmpty(fields.field(self.is_empty.key).key)


class HasIdCondition(FilterModel):
    """An item that is one of these; ids that the corpus does not hold match nothing."""

    has_id: Annotated[
        tuple[str, ...],
        BeforeValidator(lambda given: tuple(given) if isinstance(given, list) else given, list[str]),
    ] = Field(description="Item ids.", examples=[["85123A", "22423"]])

    @property
    def n_values(self) -> int:
        """Values that are compared."""
        return len(self.has_id) or 1

    def bind(self, fields: Fields) -> Predicate:
        """The predicate."""
        return HasId(self.has_id)


@dataclass(frozen=True)
class IsNull:
    """Rows without the field, or with a list that holds a null."""

    key: str

    def mask(self, fields: Fields) -> BoolArray:
        """Whether each row meets the condition, bool [N]."""
        return fields.null_rows(self.key)


@dataclass(frozen=True)
class IsEmpty:
    """Rows without the field, or with an empty list."""

    key: str

    def mask(self, fields: Fields) -> BoolArray:
        """Whether each row meets the condition, bool [N]."""
        return fields.empty_rows(self.key)


@dataclass(frozen=True)
class HasId:
    """Rows of these items."""

    item_ids: tuple[str, ...]

    def mask(self, fields: Fields) -> BoolArray:
        """Whether each row meets the condition, bool [N]."""
        return fields.rows_of(self.item_ids)
