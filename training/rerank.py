"""The step of a run that trains its rerankers, once the towers and the semantic IDs are done, and measures each.

Axes: N items, Q queries, D embedding, L levels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from bundle.rerankers import RerankerSpecs
from bundle.tokens import TextTokenizer
from bundle.vocabulary import Vocabulary
from training.compare import Comparison, part_queries, rows_before
from training.config import TrainConfig
from training.dataset import Dataset
from training.device import repeatable
from training.errors import BadData
from training.evaluation_set import EvaluationSet, queries_as_they_stood
from training.learn import Learned
from training.model import embed
from training.quantizers.codes import encode_all
from training.quantizers.contract import Behaviour, Quantizer, QuantizerData
from training.ragged import FloatArray, IntArray
from training.rerankers.clicked_lists import known_clicks
from training.rerankers.contract import AskedPart, RerankerConfig, RerankerData, TrainedReranker
from training.rerankers.gain import RerankerGain, measure_gain
from training.semantic_ids import SemanticIds
from training.splits import Split


@dataclass(frozen=True)
class Reranking:
    """A trained reranker, and what it changes on the test part."""

    trained: TrainedReranker
    gain: RerankerGain


@dataclass(frozen=True)
class MergedParts:
    """What the bundle gets of all rerankers."""

    specs: RerankerSpecs
    tokenizers: Mapping[str, TextTokenizer]
    vocabularies: Mapping[str, Vocabulary]
    evaluation: Mapping[str, float]


def merged_parts(rerankings: Sequence[Reranking]) -> MergedParts:
    """The parts of all rerankers together."""
    parts = [one.trained.parts for one in rerankings]
    return MergedParts(
        RerankerSpecs.model_validate({part.spec.kind: part.spec for part in parts}),
        {name: value for part in parts for name, value in part.tokenizers.items()},
        {name: value for part in parts for name, value in part.vocabularies.items()},
        {name: value for one in rerankings for name, value in one.gain.flat().items()},
    )


def check_data(config: TrainConfig, dataset: Dataset, split: Split, base: Path) -> None:
    """Raise BadData where a reranker learns from a validation part that there is not, or as `known_clicks`."""
    if config.rerankers.learns_from_held_out and len(split.validation_N) == 0:
        raise BadData(
            "rerankers.feature_ranker learns from the validation part, which the towers have not seen, but the split "
            "has none; give it one, or leave the section out"
        )
    ranker = config.rerankers.feature_ranker
    if ranker is not None and ranker.clicks is not None:
        known_clicks(base / ranker.clicks.log, dataset)


@dataclass(frozen=True)
class RerankStep:
    """A run after its towers are done; `base` is what relative paths count from."""

    config: TrainConfig
    dataset: Dataset
    split: Split
    learned: Learned
    comparison: Comparison
    semantic_ids: SemanticIds | None
    base: Path = Path()

    def run(self) -> list[Reranking]:
        """Train and measure every reranker of the settings, in their order. Raises RetrievalError."""
        return [self._one(settings) for settings in self.config.rerankers.each]

    def _one(self, settings: RerankerConfig) -> Reranking:
        config, context = self.config, self.learned.context
        data = RerankerData(
            context,
            self.held_out,
            self.as_held_out,
            rows_before(self.split, "test"),
            config.evaluation.exclude_seen,
            config.examples.history_feature,
            self.base,
        )
        with repeatable(config.trainer.seed, config.trainer.threads, context.device):
            context.model.to(context.device)
            trained = settings.fit(data)
            context.model.cpu().eval()
            test = self.test()
            gain = measure_gain(
                settings.kind,
                trained.scorer(test),
                test,
                settings.depth,
                settings.test_queries,
                exclude_seen=config.evaluation.exclude_seen,
                seed=config.trainer.seed,
            )
        context.progress.start("reranker", None)
        context.progress.note(gain.note())
        context.progress.finish()
        return Reranking(trained, gain)

    def test(self) -> AskedPart:
        """The test part as the finished towers see it."""
        quantizer = None if self.semantic_ids is None else self.semantic_ids.quantizer
        return self._part(self.learned, self.comparison.queries, quantizer, rows_before(self.split, "test"))

    def held_out(self) -> AskedPart:
        """The validation part as towers see it that were trained on the training part alone.

        Where the finished towers have learnt from it too, a score of theirs would tell more than one of a query to
        come; the towers before them are taken, with a quantizer fitted to them.
        """
        towers = self._before_validation
        queries = part_queries(self.config, self.dataset, self.split, towers.features.query, "validation")
        return self._part(towers, queries, self._quantizer_of(towers), rows_before(self.split, "validation"))

    def as_held_out(self, query_Q: IntArray) -> AskedPart:
        """Any queries, in the place of those of the validation part."""
        towers, before_N = self._before_validation, rows_before(self.split, "validation")
        feature = self.config.examples.history_feature
        queries = queries_as_they_stood(self.dataset, before_N, query_Q, towers.features.query, feature)
        return self._part(towers, queries, self._quantizer_of(towers), before_N)

    @property
    def _before_validation(self) -> Learned:
        return self.learned.selected or self.learned

    def _quantizer_of(self, towers: Learned) -> Quantizer | None:
        config = self.config
        if self.semantic_ids is None or config.quantizer is None:
            return None
        if towers is self.learned:
            return self.semantic_ids.quantizer
        behaviour = Behaviour.of(self.dataset.interactions, self.split.train_N, len(self.dataset.query_ids))
        data = QuantizerData(embed(towers.model.item, towers.items, _device(towers)), behaviour)
        return config.quantizer.fit(data, config.trainer.seed, config.trainer.threads)

    def _part(
        self, towers: Learned, queries: EvaluationSet, quantizer: Quantizer | None, before_N: IntArray
    ) -> AskedPart:
        query_QD = embed(towers.model.query, queries.encoded, _device(towers))
        item_ND = embed(towers.model.item, towers.items, _device(towers))
        query_code_QL, item_code_NL = (_codes(quantizer, part) for part in (query_QD, item_ND))
        return AskedPart(queries, query_QD, item_ND, query_code_QL, item_code_NL, before_N)


def _device(towers: Learned) -> torch.device:
    """Where the towers lie: on the device of the run while rerankers are trained, on the CPU otherwise."""
    return next(towers.model.parameters()).device


def _codes(quantizer: Quantizer | None, embedding_ND: FloatArray) -> IntArray:
    if quantizer is None:
        return np.empty((len(embedding_ND), 0), dtype=np.int64)
    return encode_all(quantizer, embedding_ND)
