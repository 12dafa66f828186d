"""Losses over lists of items: one file each, and one line in the union below to add another."""

from typing import Annotated

from pydantic import Field

from training.rerankers.listwise.contract import ListwiseLoss
from training.rerankers.listwise.lambdarank import LambdaRankConfig
from training.rerankers.listwise.softmax import ListwiseSoftmaxConfig

ListwiseConfig = Annotated[LambdaRankConfig | ListwiseSoftmaxConfig, Field(discriminator="kind")]

__all__ = ["ListwiseConfig", "ListwiseLoss"]
