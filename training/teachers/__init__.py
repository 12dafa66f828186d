"""Teachers: one file each, and one line in the union below to add another."""

from typing import Annotated

from pydantic import Field

from training.teachers.adversarial import RankerTeacherConfig
from training.teachers.judgements import JudgementsConfig

TeacherConfig = Annotated[JudgementsConfig | RankerTeacherConfig, Field(discriminator="kind")]

__all__ = ["TeacherConfig"]
