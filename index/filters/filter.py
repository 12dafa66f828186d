"""Filters: conditions joined by must, should, must_not and min_should, as in Qdrant, and nested to any depth."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Discriminator, Field, Tag

from index.filters.fields import BoolArray, Fields
from index.filters.match import MatchCondition
from index.filters.model import FilterModel, Predicate
from index.filters.presence import HasIdCondition, IsEmptyCondition, IsNullCondition
from index.filters.range import RangeCondition

CLAUSES = ("must", "should", "must_not", "min_should")
FORMS = ("match", "range", "has_id", "is_null", "is_empty")


def _form(condition: Any) -> str | None:
    """The key that tells conditions apart, for JSON and for models; a filter among conditions has a clause."""
    given = condition.keys() if isinstance(condition, dict) else set(getattr(condition, "model_fields_set", ()))
    forms = [form for form in FORMS if form in given]
    if forms:
        return forms[0] if len(forms) == 1 else None
    return "filter" if any(clause in given for clause in CLAUSES) else None


# A new condition is one class with `n_values` and `bind`, one line here and its key in FORMS.
Condition = Annotated[
    Annotated[MatchCondition, Tag("match")]
    | Annotated[RangeCondition, Tag("range")]
    | Annotated[HasIdCondition, Tag("has_id")]
    | Annotated[IsNullCondition, Tag("is_null")]
    | Annotated[IsEmptyCondition, Tag("is_empty")]
    | Annotated["Filter", Tag("filter")],
    Discriminator(
        _form,
        custom_error_type="condition_form",
        custom_error_message="must be an object with one of match, range, has_id, is_null, is_empty, or a filter with "
        "must, should, must_not or min_should",
    ),
]


def _listed(given: Any) -> Any:
    """One condition stands for a list of it."""
    if isinstance(given, list):
        return tuple(given)
    return given if given is None or isinstance(given, tuple) else (given,)


Conditions = Annotated[tuple[Condition, ...], BeforeValidator(_listed, list[Condition] | Condition)]


class MinShould(FilterModel):
    """At least `min_count` of the conditions hold."""

    conditions: Conditions = Field(description="The conditions.")
    min_count: int = Field(ge=1, description="Conditions that have to hold, at least.", examples=[2])


class Filter(FilterModel):
    """All clauses that are given hold; an empty filter, and an empty clause, let every item through."""

    must: Conditions | None = Field(default=None, description="All of these hold.")
    should: Conditions | None = Field(default=None, description="At least one of these holds.")
    must_not: Conditions | None = Field(default=None, description="None of these holds.")
    min_should: MinShould | None = Field(default=None, description="A number of these hold, at least.")

    def bind(self, fields: Fields) -> Predicate:
        """The predicate; raises InvalidFilter for a field that is not there, or values of another kind."""

        def bound(conditions: tuple[Condition, ...] | None) -> tuple[Predicate, ...]:
            return tuple(condition.bind(fields) for condition in conditions or ())

        some = self.min_should
        return Combined(
            bound(self.must),
            bound(self.should),
            bound(self.must_not),
            bound(some.conditions) if some else (),
            some.min_count if some else 0,
        )

    def conditions(self) -> Iterator[Condition]:
        """The conditions of all clauses, nested filters among them."""
        for clause in (self.must, self.should, self.must_not, self.min_should and self.min_should.conditions):
            yield from clause or ()


@dataclass(frozen=True)
class Combined:
    """Rows that meet all clauses; `min_count` 0 asks nothing of `some`."""

    must: tuple[Predicate, ...]
    should: tuple[Predicate, ...]
    must_not: tuple[Predicate, ...]
    some: tuple[Predicate, ...]
    min_count: int

    def mask(self, fields: Fields) -> BoolArray:
        """Whether each row meets the clauses, bool [N]."""
        mask_N = np.ones(fields.n_rows, dtype=bool)
        for predicate in self.must:
            mask_N &= predicate.mask(fields)
        for predicate in self.must_not:
            mask_N &= ~predicate.mask(fields)
        if self.should:
            mask_N &= np.logical_or.reduce([predicate.mask(fields) for predicate in self.should])
        if self.min_count:
            count_N = np.zeros(fields.n_rows, dtype=np.int32)
            for predicate in self.some:
                count_N += predicate.mask(fields)
            mask_N &= count_N >= self.min_count
        return mask_N
