"""Conditions on numbers and times between bounds. V values of a field."""

import math
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from index.errors import InvalidFilter
from index.filters.fields import BoolArray, Fields, Scalar
from index.filters.model import FilterModel, Predicate

Bound = float | int | str | None
BOUNDS = ("gt", "gte", "lt", "lte")


class Range(FilterModel):
    """Bounds, all of which hold; times are ISO 8601 texts, UTC where they name no offset."""

    gt: Bound = Field(default=None, description="Greater than.", examples=[10])
    gte: Bound = Field(default=None, description="Greater than or equal to.", examples=["2024-05-01T12:00:00Z"])
    lt: Bound = Field(default=None, description="Less than.", examples=[20.5])
    lte: Bound = Field(default=None, description="Less than or equal to.", examples=["2024-05-31"])

    @model_validator(mode="after")
    def _some_bound(self) -> "Range":
        if all(getattr(self, name) is None for name in BOUNDS):
            raise ValueError("give at least one of gt, gte, lt, lte")
        return self


class RangeCondition(FilterModel):
    """A field whose value lies between bounds; of a list, any element."""

    key: str = Field(description="Attribute of the items.", examples=["price"])
    range: Range = Field(description="The bounds.")

    @property
    def n_values(self) -> int:
        """Values that are compared."""
        return 1

    def bind(self, fields: Fields) -> Predicate:
        """The predicate; raises InvalidFilter."""
        field = fields.field(self.key)
        if field.kind not in ("whole number", "number", "time"):
            raise InvalidFilter(
                f"filter on field '{self.key}': range is for numbers and times, but its values are of the kind "
                f"{field.kind}; use match",
                field=self.key,
                kind=field.kind,
            )
        given = {name: getattr(self.range, name) for name in BOUNDS}
        return Between(self.key, tuple((name, field.read(bound)) for name, bound in given.items() if bound is not None))


@dataclass(frozen=True)
class Between:
    """Rows with a value within all bounds."""

    key: str
    bounds: tuple[tuple[str, Scalar], ...]

    def mask(self, fields: Fields) -> BoolArray:
        """Whether each row meets the condition, bool [N]."""
        value_V = fields.values(self.key)
        is_match_V = value_V.is_valid()
        for name, bound in self.bounds:
            is_match_V = pc.and_(is_match_V, _compared(value_V, name, bound))
        return fields.rows_where(self.key, is_match_V)


def _compared(value_V: pa.Array, name: str, bound: Any) -> pa.BooleanArray:
    compare = {"gt": pc.greater, "gte": pc.greater_equal, "lt": pc.less, "lte": pc.less_equal}[name]
    if pa.types.is_floating(value_V.type):
        return compare(value_V, pa.scalar(float(bound), value_V.type))
    # Whole numbers are compared as whole numbers: as floats 2**53 and 2**53 + 1 were equal.
    least, most = (0, 2**64 - 1) if pa.types.is_unsigned_integer(value_V.type) else (-(2**63), 2**63 - 1)
    whole = math.floor(bound) if name in ("gt", "lte") else math.ceil(bound)
    if whole < least or whole > most:
        return pa.array([(whole < least) == name.startswith("g")]).take(pa.array([0] * len(value_V), pa.int64()))
    return compare(value_V, pa.scalar(whole, value_V.type))
