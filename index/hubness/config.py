"""Whether and how a build measures what every item owes to being a hub."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from bundle.config import Config

HubnessMethod = Literal["inverted_softmax", "dual_inverted_softmax", "dual_dynamic_inverted_softmax"]
METHODS: tuple[HubnessMethod, ...] = (
    "inverted_softmax",
    "dual_inverted_softmax",
    "dual_dynamic_inverted_softmax",
)
QUERY_BETA = 20.0
ITEM_BETA = 5.0


class HubnessConfig(Config):
    """The banks of queries and items that hubs are found with, and what a search does about them."""

    queries: Path | None = Field(
        default=None,
        description="Table of query records like those to come, relative to the config file; item vectors if not "
        "given, which shows hubs only as far as queries lie where items lie.",
    )
    positives: str | None = Field(
        default=None,
        description="Column of that table with the item that each query is to find. The two betas not given are then "
        "tuned by recall@1 on half of the queries, and no item is held down by the queries it is right for.",
    )
    bank_size: int = Field(
        default=5_000, ge=2, description="Queries in the query bank and items in the item bank, at most."
    )
    query_beta: float | None = Field(
        default=None,
        gt=0,
        description=f"Inverse temperature of the softmax over the query bank; {QUERY_BETA:g} if not given or tuned, "
        "over the mean product of lengths where scores are no cosines. The larger, the more an item's nearest few "
        "queries decide.",
    )
    item_beta: float | None = Field(
        default=None,
        gt=0,
        description=f"Inverse temperature of the softmax over the item bank; {ITEM_BETA:g} if not given or tuned, as "
        "above.",
    )
    activation_k: int = Field(
        default=1,
        ge=1,
        description="Dynamic method: an item counts as a hub of a bank when it is among so many best of one of its "
        "vectors.",
    )
    default: HubnessMethod | Literal["off"] = Field(
        default="off",
        description="What a search by queries or vectors does that does not say; `off` leaves scores as they are. "
        "Searches by items do so too where the queries of the bundle are items.",
    )

    @model_validator(mode="after")
    def _positives_are_of_queries(self) -> "HubnessConfig":
        if self.positives is not None and self.queries is None:
            raise ValueError("positives is a column of the table that queries names; give queries as well")
        return self
