"""What a build says of hubs, before and after."""

from typing import Literal

from pydantic import Field

from bundle.config import Config
from index.hubness.config import HubnessMethod

LEAST_PLACES = 5  # for each item, so that to be in no hits says something of the item


class HubnessMeasure(Config):
    """The hits of held-back queries under one method."""

    method: HubnessMethod | Literal["off"] = Field(description="What was done about hubs.")
    skewness: float = Field(description="Skewness of the k-occurrence over all items; 0 when all occur alike.")
    largest: int = Field(ge=0, description="Queries that are shown the item that occurs most.")
    never: float = Field(ge=0, le=1, description="Share of items that no query is shown.")
    robin_hood: float = Field(ge=0, le=1, description="Share of places that would change hands if all occurred alike.")
    recall_at_1: float | None = Field(
        default=None, ge=0, le=1, description="Share of queries whose first hit is the item they are to find."
    )


class HubnessReport(Config):
    """The bias of an index role: how it was made, and what it does."""

    default: HubnessMethod | Literal["off"] = Field(description="What a search like the bank does that does not say.")
    queries: Literal["items", "table"] = Field(description="Where the query bank comes from.")
    n_bank_queries: int = Field(ge=0, description="Queries in the bank that is served.")
    n_bank_items: int = Field(ge=0, description="Items in the item bank.")
    n_positives: int = Field(ge=0, description="Queries of the bank whose item to find is in the corpus.")
    query_beta: float = Field(gt=0, description="Inverse temperature of the query bank.")
    item_beta: float = Field(gt=0, description="Inverse temperature of the item bank.")
    is_tuned: bool = Field(description="Whether a beta was chosen by recall@1 on held-back queries.")
    n_queries: int = Field(ge=0, description="Held-back queries that were measured; the other half was their bank.")
    n_items: int = Field(ge=1, description="Items in the corpus.")
    k: int = Field(ge=0, description="Hits counted for each query.")
    n_candidates: int = Field(ge=1, description="Candidates that a search orders by the bias, at least.")
    overlap: float = Field(
        ge=0,
        le=1,
        description="Share of the k best of the whole corpus that they hold, under the worst method.",
    )
    measures: tuple[HubnessMeasure, ...] = Field(description="Before and after, a method each.")


def hubness_note(report: HubnessReport) -> str:
    """What was counted, with what, and what it can tell."""
    source = "item vectors, each without itself" if report.queries == "items" else "records of the query table"
    betas = f"{report.query_beta:.3g} and {report.item_beta:.3g}, " + ("tuned" if report.is_tuned else "not tuned")
    note = (
        f"How often each of {report.n_items:,} items is among the first {report.k} hits of {report.n_queries:,} "
        f"held-back queries, {source}, by what is done about hubs. Inverse temperatures {betas}. A search "
        f"that does not say gets <code>{report.default}</code>, with banks of {report.n_bank_queries:,} queries and "
        f"{report.n_bank_items:,} items. A corrected search orders {report.n_candidates:,} candidates, which hold "
        f"{report.overlap:.1%} of the best of the whole corpus."
    )
    if report.n_queries * report.k < LEAST_PLACES * report.n_items:
        note += (
            f" With under {LEAST_PLACES} places an item, skewness and items in no hits are large for any index: "
            "compare the rows only with each other."
        )
    return note
