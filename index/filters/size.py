"""How large a filter is, and the most that is taken."""

from dataclasses import dataclass

from index.errors import InvalidFilter
from index.filters.filter import Filter


@dataclass(frozen=True)
class FilterSize:
    """`depth` counts filters within filters, `conditions` those of all levels, `values` what they compare."""

    depth: int
    conditions: int
    values: int


def filter_size(asked: Filter) -> FilterSize:
    """The size of a filter."""
    depth = conditions = values = 0
    for condition in asked.conditions():
        if isinstance(condition, Filter):
            inner = filter_size(condition)
            depth, conditions, values = (
                max(depth, inner.depth),
                conditions + inner.conditions,
                values + inner.values,
            )
        else:
            conditions, values = conditions + 1, values + condition.n_values
    return FilterSize(depth + 1, conditions, values)


def check_filter_size(asked: Filter, most: FilterSize) -> None:
    """Raise InvalidFilter when the filter is larger than `most`."""
    size = filter_size(asked)
    for name in ("depth", "conditions", "values"):
        if getattr(size, name) > getattr(most, name):
            raise InvalidFilter(
                f"filter: its {name} are {getattr(size, name)}, at most {getattr(most, name)} are taken; "
                "store what many values stand for as an attribute of its own"
            )
