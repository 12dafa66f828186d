"""What one index build is told."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from bundle.config import Config
from index.cur.kinds import CurKind
from index.fusion_weight import FusionConfig
from index.hubness.config import HubnessConfig
from index.kinds import IndexKind
from index.lexical.build import LexicalConfig
from index.resolution import CollisionConfig


class BuildConfig(Config):
    """From a catalogue and a bundle to one index version."""

    collection: str = Field(description="Collection that holds the bundle and gets the index version.")
    items: Path = Field(description="Items table (.parquet, .jsonl or .csv), relative to the config file.")
    bundle: str | None = Field(default=None, description="Bundle that embeds the catalogue; the newest if not given.")
    kind: IndexKind | None = Field(
        default=None, description="Index kind; chosen by size and memory_budget_mb if not given."
    )
    memory_budget_mb: int | None = Field(
        default=None,
        ge=1,
        description="Memory in megabytes that one index may fill while it is searched; the kind chosen by size gives "
        "way to one with smaller codes. The exact vectors of a version are mapped and stay on disk.",
    )
    attributes: tuple[str, ...] | None = Field(
        default=None, description="Columns kept as attributes; every column that is not a list if not given."
    )
    collisions: CollisionConfig = Field(
        default=CollisionConfig(), description="How items that share all codes get semantic IDs of their own."
    )
    name_columns: tuple[str, ...] | None = Field(
        default=None,
        description="Text columns whose words name the prefixes of semantic IDs; the text attributes if not given.",
    )
    hubness: HubnessConfig | None = Field(
        default=None, description="Measures hubs and what undoes them; searches can then be asked to do so."
    )
    lexical: LexicalConfig | None = Field(
        default=None, description="Index the words of the items too, for searches by words or by both."
    )
    fusion: FusionConfig | None = Field(
        default=None, description="Learn how much embeddings and words shall count; needs [lexical]."
    )
    queries: Path | None = Field(
        default=None,
        description="Table of held-back query records to measure index recall with; item vectors if not given.",
    )
    n_recall_queries: int = Field(default=500, ge=1, description="Queries that index recall is measured on, at most.")
    target_recall: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Index recall@10 to reach by raising the search parameters; the build fails if none reaches it. "
        "If not given, .95 where no kind is given either, and else no target.",
    )
    cross_encoder_search: CurKind | None = Field(
        default=None,
        description="What search by the bundle's cross-encoder is built of; without, it only reranks what was found.",
    )
    device: Literal["cpu", "cuda"] = Field(default="cpu", description="Device of the item tower while embedding.")
    threads: int = Field(default=1, ge=1, description="Threads of the item tower and of the index build.")
    shard_size: int = Field(default=4_096, ge=1, description="Items read and encoded at a time; bounds memory.")
    batch_size: int = Field(default=64, ge=1, description="Items in one call of the item tower; bounds memory.")
    seed: int = Field(default=0, ge=0, description="Seed of every random choice of the build.")

    @model_validator(mode="after")
    def _fusion_needs_words(self) -> "BuildConfig":
        if self.fusion is not None and self.lexical is None:
            raise ValueError("[fusion] weighs embeddings against words, but there is no [lexical] section; add one")
        return self
