"""The configuration of one training run: one TOML file, one model."""

from typing import Literal

from pydantic import Field, PositiveInt, model_validator

from bundle.config import Config
from bundle.features import FeatureSpec, SequenceFeature, TextFeature, token_models
from training.dataset import DataConfig
from training.encoders.history_attention import HistoryAttentionConfig
from training.encoders.semantic_id import SemanticIdFeatureConfig
from training.examples import ExampleConfig
from training.item_graph import ItemGraphConfig
from training.mining.miner import HardNegativesConfig
from training.negatives import NegativesConfig
from training.negatives.in_batch import InBatchConfig
from training.noise import NoiseConfig
from training.objectives import ObjectiveConfig
from training.objectives.decoupled_softmax import DecoupledSoftmaxConfig
from training.precision import ExportConfig
from training.pretrained import DEFAULT_MODEL, PretrainedConfig
from training.propensity import PropensityConfig
from training.quantizers import QuantizerConfig
from training.rerankers import RerankersConfig
from training.rerankers.preferences import check_preferences
from training.semantic_id_features import check_semantic_id_features
from training.splits import SplitConfig
from training.stability import StabilityConfig
from training.strategies import (
    check_heads,
    check_item_queries,
    check_metric,
    check_negatives,
    check_objective,
    check_teacher,
)
from training.synthetic_queries.mix import MixConfig
from training.teachers import TeacherConfig
from training.towers import TowerConfig
from training.towers.two_heads import TwoHeadsConfig
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
    propensity: PropensityConfig = Field(
        default_factory=PropensityConfig, description="Constants of the propensity-scored precision in the report."
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
    share_text: bool = Field(
        default=False,
        description="Whether text features whose words and n-grams hash alike read one embedding table, in both "
        "towers; for queries and items that are written in the same words.",
    )
    item_graph: ItemGraphConfig | None = Field(
        default=None, description="Neighbours that the item tower reads beside an item's own row; none if unset."
    )
    pretrained: dict[str, PretrainedConfig] = Field(
        default={}, description="Pretrained text models by the name that `tokens` features give as `model`."
    )
    semantic_id_features: dict[str, SemanticIdFeatureConfig] = Field(
        default={}, description="How towers read `vector` features, by name, as semantic IDs; as they are if unset."
    )
    objective: ObjectiveConfig = Field(default_factory=DecoupledSoftmaxConfig, description="Loss.")
    negatives: NegativesConfig = Field(default_factory=InBatchConfig, description="Items a query is trained against.")
    hard_negatives: HardNegativesConfig | None = Field(
        default=None, description="Negatives mined between epochs, beside the others; none if unset."
    )
    teacher: TeacherConfig | None = Field(default=None, description="Who scores candidates; nobody if unset.")
    noise: NoiseConfig | None = Field(default=None, description="How wrong pairs lose weight; they do not if unset.")
    heads: TwoHeadsConfig | None = Field(default=None, description="Two heads on both towers; one if unset.")
    examples: ExampleConfig = Field(default_factory=ExampleConfig, description="Interactions to examples.")
    trainer: TrainerConfig = Field(default_factory=TrainerConfig, description="Loop.")
    synthetic_queries: MixConfig | None = Field(
        default=None, description="Synthetic pairs to learn from beside the interactions; none if unset."
    )
    quantizer: QuantizerConfig | None = Field(default=None, description="Semantic IDs; none if unset.")
    semantic_id_stability: StabilityConfig | None = Field(
        default=None, description="How codes stay near those of an earlier bundle; nothing is compared if unset."
    )
    rerankers: RerankersConfig = Field(
        default_factory=RerankersConfig, description="Models that order what the towers find, trained after them."
    )
    evaluation: EvaluationConfig = Field(default_factory=EvaluationConfig, description="Measures.")
    export: ExportConfig = Field(default_factory=ExportConfig, description="The exported graphs.")

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
    def _strategies_fit(self) -> "TrainConfig":
        check_heads(self.objective, self.heads, self.noise, self.dimension)
        check_metric(self.metric, self.objective, self.heads, self.dimension)
        check_objective(self.objective, self.examples)
        check_negatives(self.objective, self.negatives, self.hard_negatives, self.trainer.memory)
        check_teacher(self.objective, self.teacher, self.hard_negatives, self.examples)
        if self.item_graph is not None:
            self.item_graph.check(self.features.item)
        return self

    @model_validator(mode="after")
    def _codes_can_be_kept(self) -> "TrainConfig":
        if self.semantic_id_stability is not None:
            if self.quantizer is None:
                raise ValueError("semantic_id_stability needs semantic IDs; add a section [quantizer], or leave it out")
            self.semantic_id_stability.check(self.quantizer)
        return self

    @model_validator(mode="after")
    def _shared_text_has_two_sides(self) -> "TrainConfig":
        query, item = (
            {f.grams for f in side if isinstance(f, TextFeature)} for side in (self.features.query, self.features.item)
        )
        if self.share_text and not query & item:
            raise ValueError(
                "share_text = true, but no text feature of the query tower has the buckets, min_gram and max_gram of "
                "one of the item tower; make them equal, or leave share_text out"
            )
        return self

    @model_validator(mode="after")
    def _tokens_have_a_model(self) -> "TrainConfig":
        for name in token_models([*self.features.query, *self.features.item]):
            if name not in self.pretrained and name != DEFAULT_MODEL:
                raise ValueError(
                    f"a tokens feature names the model '{name}'; add a section [pretrained.{name}] with a path"
                )
        return self

    @model_validator(mode="after")
    def _rerankers_can_be_asked(self) -> "TrainConfig":
        names = [*self.pretrained, DEFAULT_MODEL]
        self.rerankers.check(self.features, names, queries_are_items=self.data.pairs is not None)
        reader = self.rerankers.cross_encoder
        check_preferences(self.data.preferences, reader.preferences if reader else None)
        return self

    @model_validator(mode="after")
    def _semantic_ids_are_vectors(self) -> "TrainConfig":
        check_semantic_id_features(self.semantic_id_features, self.features, self.export)
        return self

    @model_validator(mode="after")
    def _synthetic_queries_are_examples(self) -> "TrainConfig":
        if self.synthetic_queries is not None:
            self.synthetic_queries.check(self.features.query, self.examples.min_history)
        return self

    @model_validator(mode="after")
    def _items_can_be_queries(self) -> "TrainConfig":
        if self.data.pairs is not None:
            check_item_queries(self.features.query, self.examples, self.synthetic_queries)
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
