"""Conditions on equal values and on parts of a text. V values of a field."""

from dataclasses import dataclass
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BeforeValidator, Discriminator, Field, Tag

from index.errors import InvalidFilter
from index.filters.fields import BoolArray, Fields, Scalar
from index.filters.model import FilterModel, Predicate

MatchedValue = str | int | bool
# Frozen models need tuples to be hashable; JSON has lists.
MatchedValues = Annotated[
    tuple[MatchedValue, ...],
    BeforeValidator(lambda given: tuple(given) if isinstance(given, list) else given, list[MatchedValue]),
]


class MatchValue(FilterModel):
    """Equal to one value."""

    value: MatchedValue = Field(description="The value; a time as an ISO 8601 text.", examples=["red"])

    def bind(self, key: str, fields: Fields) -> Predicate:
        """The predicate on that field; raises InvalidFilter."""
        return ValueIn(key, (fields.field(key).read(self.value),))


class MatchAny(FilterModel):
    """Equal to any of several values."""

    any: MatchedValues = Field(description="The values; an empty list matches nothing.", examples=[["red", "blue"]])

    def bind(self, key: str, fields: Fields) -> Predicate:
        """The predicate on that field; raises InvalidFilter."""
        field = fields.field(key)
        return ValueIn(key, tuple(map(field.read, self.any)))


class MatchExcept(FilterModel):
    """A value that is none of several; an item without a value does not match."""

    except_: MatchedValues = Field(alias="except", description="The values.", examples=[["red", "blue"]])

    def bind(self, key: str, fields: Fields) -> Predicate:
        """The predicate on that field; raises InvalidFilter."""
        field = fields.field(key)
        return ValueIn(key, tuple(map(field.read, self.except_)), negated=True)


class MatchText(FilterModel):
    """A text that contains another, letter for letter."""

    text: str = Field(min_length=1, description="The part to be contained; case counts.", examples=["enamel"])

    def bind(self, key: str, fields: Fields) -> Predicate:
        """The predicate on that field; raises InvalidFilter."""
        field = fields.field(key)
        if field.kind != "text":
            raise InvalidFilter(
                f"filter on field '{key}': match.text is for texts, but its values are of the kind {field.kind}; use "
                "match.value or range",
                field=key,
                kind=field.kind,
            )
        return TextContains(key, self.text)


def _form(match: Any) -> str | None:
    """The key that tells the forms of a match apart, for JSON and for models."""
    names = {"value", "any", "except", "except_", "text"}
    given = match.keys() if isinstance(match, dict) else set(getattr(match, "model_fields_set", ()))
    return next((name.rstrip("_") for name in given if name in names), None)


Match = Annotated[
    Annotated[MatchValue, Tag("value")]
    | Annotated[MatchAny, Tag("any")]
    | Annotated[MatchExcept, Tag("except")]
    | Annotated[MatchText, Tag("text")],
    Discriminator(
        _form,
        custom_error_type="match_form",
        custom_error_message="must be an object with one of value, any, except, text",
    ),
]


class MatchCondition(FilterModel):
    """A field whose value matches; of a list, any element."""

    key: str = Field(description="Attribute of the items.", examples=["colour"])
    match: Match = Field(description="What the value must be.")

    @property
    def n_values(self) -> int:
        """Values that are compared."""
        values = self.match.any if isinstance(self.match, MatchAny) else ()
        return len(self.match.except_ if isinstance(self.match, MatchExcept) else values) or 1

    def bind(self, fields: Fields) -> Predicate:
        """The predicate; raises InvalidFilter."""
        return self.match.bind(self.key, fields)


@dataclass(frozen=True)
class ValueIn:
    """Rows with a value that is one of these, or with `negated` none of these."""

    key: str
    values: tuple[Scalar, ...]
    negated: bool = False

    def mask(self, fields: Fields) -> BoolArray:
        """Whether each row meets the condition, bool [N]."""
        value_V = fields.values(self.key)
        is_match_V = pc.is_in(value_V, value_set=_array(self.values, value_V.type))
        if self.negated:
            is_match_V = pc.and_(value_V.is_valid(), pc.invert(is_match_V))
        return fields.rows_where(self.key, is_match_V)


@dataclass(frozen=True)
class TextContains:
    """Rows with a value that contains `text`."""

    key: str
    text: str

    def mask(self, fields: Fields) -> BoolArray:
        """Whether each row meets the condition, bool [N]."""
        return fields.rows_where(self.key, pc.match_substring(fields.values(self.key), self.text))


def _array(values: tuple[Scalar, ...], kind: pa.DataType) -> pa.Array:
    """The values that a column of this type can hold; no row has any of the others."""
    if pa.types.is_integer(kind):
        least, most = (0, 2**64 - 1) if pa.types.is_unsigned_integer(kind) else (-(2**63), 2**63 - 1)
        return pa.array([value for value in values if least <= value <= most], kind)  # type: ignore[operator]
    return pa.array(list(map(float, values)) if pa.types.is_floating(kind) else list(values), kind)
