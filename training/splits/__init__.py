"""The splits: a new one is one file and one member of the union."""

from typing import Annotated

from pydantic import Field

from training.splits.column import ColumnSplit
from training.splits.contract import Split
from training.splits.leave_last_out import LeaveLastOutSplit
from training.splits.time import TimeSplit

SplitConfig = Annotated[ColumnSplit | TimeSplit | LeaveLastOutSplit, Field(discriminator="kind")]

__all__ = ["ColumnSplit", "LeaveLastOutSplit", "Split", "SplitConfig", "TimeSplit"]
