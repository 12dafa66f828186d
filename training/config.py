"""The configuration of one training run: one TOML file, one model."""

from typing import Literal

from pydantic import Field, PositiveInt, model_validator

from bundle.config import Config
from bundle.features import FeatureSpec, SequenceFeature
from training.dataset import DataConfig
from training.encoders.history_attention import HistoryAttentionConfig
from training.examples import ExampleConfig
from training.negatives import NegativesConfig
from training.negatives.in_batch import InBatchConfig
from training.objectives import ObjectiveConfig
from training.objectives.decoupled_softmax import DecoupledSoftmaxConfig
from training.quantizers import QuantizerConfig
from training.splits import SplitConfig
from training.towers import TowerConfig
from training.trainer import TrainerConfig

_METRICS = ("recall", "ndcg", "mrr", "hit_rate")


class EvaluationConfig(Config):
    """How a model is measured: full ranking of the catalogue, beside popularity and item-kNN."""

    ks: tuple[PositiveInt, ...] = Field(default=(10, 20), min_length=1, description="Depths of the metrics.")
    exclude_seen: bool = Field(default=True, description="Whether items of the query's history are no candidates.")
    require_history: bool = Field(
        default=False, description="Whether queries without an earlier interaction are left out."
    )
    neighbours: int = Field(default=20, ge=1, description="Neighbours that item-kNN keeps for each item.")
    recency_decay: float = Field(
        default=0.0, ge=0, description="How fast item-kNN forgets older items of a history; 0 weighs all alike."
    )


class TrainConfig(Config):
    """Everything that decides what `tandem train` makes."""

    collection: str = Field(description="Collection that receives the bundle.")
    data: DataConfig = Field(description="Tables.")
    split: SplitConfig = Field(description="Train, validation and test.")
    features: FeatureSpec = Field(description="Features of both towers.")
    dimension: int = Field(default=64, ge=2, le=4096, description="Width of the embeddings.")
    metric: Literal["cosine", "dot"] = Field(
        default="cosine", description="'cosine' gives every embedding unit length; 'dot' leaves it free."
    )
    query_tower: TowerConfig = Field(default_factory=TowerConfig, description="Tower of the queries.")
    item_tower: TowerConfig = Field(default_factory=TowerConfig, description="Tower of the items.")
    objective: ObjectiveConfig = Field(default_factory=DecoupledSoftmaxConfig, description="Loss.")
    negatives: NegativesConfig = Field(default_factory=InBatchConfig, description="Items a query is trained against.")
    examples: ExampleConfig = Field(default_factory=ExampleConfig, description="Interactions to examples.")
    trainer: TrainerConfig = Field(default_factory=TrainerConfig, description="Loop.")
    quantizer: QuantizerConfig | None = Field(default=None, description="Semantic IDs; none if unset.")
    evaluation: EvaluationConfig = Field(default_factory=EvaluationConfig, description="Measures.")

    @model_validator(mode="after")
    def _logq_fits_negatives(self) -> "TrainConfig":
        logq = next((part.draw_correction for part in self.objective.parts if part.draw_correction != "none"), None)
        if logq is None:
            return self
        if self.negatives.kind == "catalogue":
            raise ValueError(
                f"objective.logq = '{logq}' corrects for sampling, but negatives.kind = 'catalogue' "
                "takes every item once and samples nothing; set logq = 'none'"
            )
        if self.negatives.kind == "uniform" and not self.negatives.in_batch:
            raise ValueError(
                f"objective.logq = '{logq}' corrects for popularity, but negatives.kind = 'uniform' "
                "draws every item alike, so it would be a constant; set logq = 'none', or negatives.in_batch = true"
            )
        return self

    @model_validator(mode="after")
    def _metric_is_measured(self) -> "TrainConfig":
        known = ["mrr", *(f"{name}@{k}" for name in _METRICS for k in self.evaluation.ks)]
        if self.trainer.metric not in known:
            raise ValueError(f"trainer.metric = '{self.trainer.metric}' is not measured; choose of: {', '.join(known)}")
        return self

    @model_validator(mode="after")
    def _history_has_a_feature(self) -> "TrainConfig":
        sequences = [f.name for f in self.features.query if isinstance(f, SequenceFeature)]
        wanted = self.examples.history_feature
        if wanted is not None and wanted not in sequences:
            raise ValueError(
                f"examples.history_feature = '{wanted}' is no sequence feature of the query tower "
                f"(it has: {', '.join(sequences) or 'none'})"
            )
        for side, tower in (("query_tower", self.query_tower), ("item_tower", self.item_tower)):
            history = tower.history
            if isinstance(history, HistoryAttentionConfig) and self.dimension % history.heads:
                raise ValueError(f"{side}.history.heads = {history.heads} does not divide dimension {self.dimension}")
        return self
