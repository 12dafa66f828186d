"""The configuration of `tandem synthetic-queries`."""

from pathlib import Path

from pydantic import Field

from bundle.config import Config
from training.synthetic_queries.filters import FilterConfig
from training.synthetic_queries.sources import SourceConfig


class SyntheticQueriesConfig(Config):
    """Which pairs are made, of what, and which are kept. Paths count from the folder of the config file."""

    train: Path = Field(
        description="Config file of the training run that the pairs are for: its tables, its split, its query feature."
    )
    text: tuple[str, ...] = Field(min_length=1, description="Columns of the items table that say what an item is.")
    title: str | None = Field(default=None, description="Column of the items table that holds their titles.")
    source: SourceConfig = Field(description="Where the queries come from.")
    filters: FilterConfig = Field(default_factory=FilterConfig, description="Which pairs are kept.")
    output: Path = Field(default=Path("synthetic_queries.parquet"), description="Table that is written.")
