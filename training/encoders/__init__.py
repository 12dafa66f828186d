"""Encoders: one file a feature kind; history encoders are a union, one line to add another."""

from typing import Annotated

from pydantic import Field

from training.encoders.history_attention import HistoryAttentionConfig
from training.encoders.history_mean import HistoryMeanConfig
from training.encoders.history_recency import HistoryRecencyConfig

HistoryConfig = Annotated[
    HistoryMeanConfig | HistoryRecencyConfig | HistoryAttentionConfig, Field(discriminator="kind")
]

__all__ = ["HistoryConfig"]
