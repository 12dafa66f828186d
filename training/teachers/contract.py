"""What a teacher is: it judges pairs, and may learn from what was mined.

Letters: P pairs.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from pydantic import Field

from bundle.config import Config
from training.mining.miner import Mined
from training.ragged import FloatArray, IntArray
from training.rankers.contract import Reads
from training.teachers.selection import Selection


class TeacherSettings(Config):
    """What every kind of teacher shares."""

    judge_margin: float | None = Field(
        default=None,
        ge=0,
        description="Candidates that the teacher scores above the query's lowest positive, less this, are dropped as "
        "likely positives; 0.01 for scores between 0 and 1, unset for none.",
    )
    budget: int | None = Field(
        default=None, ge=1, description="Queries whose candidates are judged at each mining; all if unset."
    )
    selection: Selection = Field(
        default="robust",
        description="Which queries the budget is spent on: 'robust' where the model is unsure, but spread so that "
        "wrong answers cost little; 'margin' where it is least sure; 'uniform' any.",
    )
    error_share: float = Field(
        default=0.15, ge=0, lt=1, description="Share of the queries that selection = 'robust' expects misjudged."
    )
    student_temperature: float = Field(
        default=0.05, gt=0, description="Divides the model's scores when its doubt is measured."
    )

    @property
    def reads(self) -> Reads:
        """What it reads besides features, interactions and judgements."""
        return Reads()


class Teacher(Protocol):
    """Judges pairs of dataset query rows and item rows; one that learns is changed by `learn` alone."""

    def learn(self, mined: Mined, first: bool, rng: np.random.Generator) -> dict[str, float]:
        """Learn from what was mined; returns numbers worth a curve, none if no score has changed since the last."""

    def scores(self, query_P: IntArray, item_P: IntArray) -> FloatArray:
        """Scores [P], larger is better; NaN where it has none."""

    def state(self) -> dict[str, Any]:
        """What a resumed run needs."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up the state."""
