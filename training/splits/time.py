"""Split by time: everything before a moment trains, everything from it on is held out."""

from datetime import UTC, date, datetime
from typing import Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from bundle.config import Config
from training.dataset import Dataset
from training.errors import BadSplit
from training.ragged import IntArray
from training.splits.contract import Split

Boundary = float | str


class TimeSplit(Config):
    """Train before `validation_from`, validation up to `test_from`, test from there on.

    Tie rule: a boundary is a timestamp, and interactions with exactly that timestamp belong to the later part, so that
    one timestamp (a basket) never stands in two parts. A fraction f takes as boundary the timestamp of the interaction
    at position floor(f * N) in time order; the earlier part may therefore be a little smaller than f.
    """

    kind: Literal["time"] = "time"
    validation_from: Boundary | None = Field(
        default=0.8,
        description="Start of validation: ISO timestamp (UTC unless it says otherwise), fraction of the interactions, "
        "or none for no validation part.",
    )
    test_from: Boundary = Field(
        default=0.9, description="Start of test: ISO timestamp or fraction of the interactions."
    )

    @field_validator("validation_from", "test_from", mode="before")
    @classmethod
    def _toml_moment(cls, value: object) -> object:
        return value.isoformat() if isinstance(value, date) else value  # TOML has dates of its own

    @field_validator("validation_from", "test_from")
    @classmethod
    def _readable(cls, value: Boundary | None) -> Boundary | None:
        if isinstance(value, str):
            _microseconds(value)
        elif value is not None and not 0 < value < 1:
            raise ValueError("a fraction lies between 0 and 1")
        return value

    @model_validator(mode="after")
    def _in_order(self) -> "TimeSplit":
        first, second = self.validation_from, self.test_from
        if isinstance(first, str) and isinstance(second, str):
            in_order = _microseconds(first) < _microseconds(second)
        else:
            in_order = not (isinstance(first, float) and isinstance(second, float)) or first < second
        if not in_order:
            raise ValueError("validation_from must come before test_from")
        return self

    def split(self, dataset: Dataset) -> Split:
        """Cut the interactions at both moments; BadSplit without timestamps or when a part is empty."""
        time_N = dataset.interactions.timestamp_N
        if time_N is None:
            raise BadSplit("the split 'time' needs a column 'timestamp' in the interactions table")
        test_from = _resolve(self.test_from, time_N)
        if self.validation_from is None:
            before = time_N < test_from
            return Split.from_masks(before, np.zeros_like(before), ~before, made_by="time")
        validation_from = _resolve(self.validation_from, time_N)
        validation_N = (time_N >= validation_from) & (time_N < test_from)
        if not validation_N.any():
            raise BadSplit("the split 'time' leaves validation empty; move validation_from or leave it out")
        return Split.from_masks(
            (time_N < validation_from) & (time_N < test_from), validation_N, time_N >= test_from, made_by="time"
        )


def _resolve(boundary: Boundary, time_N: IntArray) -> int:
    if isinstance(boundary, str):
        return _microseconds(boundary)
    if len(time_N) == 0:
        raise BadSplit("there are no interactions to split")
    position = int(boundary * len(time_N))
    return int(np.partition(time_N, position)[position])


def _microseconds(text: str) -> int:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
