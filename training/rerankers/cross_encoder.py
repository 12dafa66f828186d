"""A cross-encoder trained against what the finished towers find, and exported.

Nogueira and Cho, "Passage Re-ranking with BERT" (2019); negatives from the first stage as in Gao et al., "Rethink
Training of BERT Rerankers in Multi-stage Retrieval Pipeline" (2021). Letters: Q training queries, V mined pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from pydantic import Field

from bundle.features import FeatureSpec
from bundle.rerankers.cross_encoder import FILE, CrossEncoderSpec
from bundle.tokens import TextTokenizer
from training.epoch_hook import HookContext
from training.finding import Finding
from training.mining.miner import HardNegativesConfig, Mined, Miner
from training.optimizer import rate_factor
from training.ragged import FloatArray, IntArray
from training.rankers.cross_encoder import CrossEncoderConfig, CrossEncoderRanker, export_cross_encoder
from training.rankers.learner import RankerLearner, RankerSteps
from training.rerankers.contract import AskedPart, BundleParts, ListScore, RerankerData
from training.rerankers.objectives import RerankerObjectiveConfig
from training.rerankers.objectives.listwise import ListwiseConfig
from training.rerankers.preferences import PreferenceLoss, PreferencesConfig
from training.rerankers.student import StudentConfig, agreement, check_layers, shrink, teacher_scores

_PAIRS_COMPARED = 64
_QUERIES_COMPARED = 50


class CrossEncoderRerankerConfig(CrossEncoderConfig, RankerSteps):
    """A cross-encoder that learns to tell positives from what the towers find for the same query."""

    steps: int = Field(default=500, ge=1, description="Steps of training.")
    negatives: int = Field(default=7, ge=1, description="Mined items beside the positive in a step.")
    batch_size: int = Field(default=16, ge=1, description="Queries a step.")
    depth: int = Field(default=50, ge=1, description="Items that the towers find for each query, to draw from.")
    relative_margin: float | None = Field(
        default=0.05,
        ge=0,
        description="Found items that score above the lowest positive's score, less this share of it, are dropped as "
        "likely positives; unset for no such limit.",
    )

    objective: RerankerObjectiveConfig = Field(
        default_factory=ListwiseConfig, description="What a query's candidates teach."
    )
    preferences: PreferencesConfig | None = Field(
        default=None, description="Learn from the preferences table too; not if unset."
    )
    student: StudentConfig | None = Field(
        default=None, description="A smaller model that is taught by the trained one and served; none if unset."
    )
    warmup: float = Field(
        default=0.0, ge=0, lt=1, description="Share of all steps over which the learning rates rise from 0."
    )
    schedule: Literal["constant", "linear"] = Field(
        default="constant", description="'linear' lets the learning rates fall to 0 over the steps."
    )
    test_queries: int = Field(
        default=100, ge=1, description="Test queries, at most, that reranking is measured on, each with `depth` items."
    )

    def check(self, features: FeatureSpec, pretrained: Sequence[str]) -> None:
        """ValueError where requests could not give what it reads, or where its model has no name."""
        names = [feature.name for feature in features.query]
        unknown = [name for name in self.query_columns if name not in names]
        if unknown:
            raise ValueError(
                f"rerankers.cross_encoder.query_columns names {', '.join(unknown)}, but a request's query has only the "
                f"features of the query tower ({', '.join(names)}); name those, or add a feature"
            )
        if self.model not in pretrained:
            raise ValueError(
                f"rerankers.cross_encoder.model names the model '{self.model}'; add a section "
                f"[pretrained.{self.model}] with a path"
            )

    def fit(self, data: RerankerData) -> "TrainedCrossEncoder":
        """Train on the training queries of the finished towers.

        Raises ConfigError as its build does and for a student that is no smaller, BadData and Diverged as
        `RankerLearner.learn`, BadData also where no preference can be learned from.
        """
        context = data.context
        ranker = self.build(context)
        more = [self.preferences.build(context)] if self.preferences else []
        if self.student is not None:
            check_layers(ranker, self.student.layers)
        mining = HardNegativesConfig(depth=self.depth, per_query=self.depth, relative_margin=self.relative_margin)
        mined = Miner(mining, context).mine()
        learner = RankerLearner(ranker, self, context.progress, loss=self.objective, more=more)
        rng = np.random.default_rng(context.seed)
        learner.learn(mined, self.steps, rng, partial(rate_factor, self, steps=self.steps))
        if self.student is not None:
            ranker = self._taught(self.student, ranker, mined, context, more)
        tokenizer = context.pretrained.folder(self.model).tokenizer
        return TrainedCrossEncoder(self, ranker, tokenizer, _example_pairs(ranker, mined))

    def _taught(
        self,
        student: StudentConfig,
        teacher: CrossEncoderRanker,
        mined: Mined,
        context: HookContext,
        more: Sequence[PreferenceLoss],
    ) -> CrossEncoderRanker:
        """The student; notes how far it orders mined items as its teacher does, before and after."""
        ranker = self.build(context)
        ranker.load_state_dict(teacher.state_dict())
        shrink(ranker, student.layers)
        before = agreement(ranker.eval(), teacher, mined, _QUERIES_COMPARED)
        learner = RankerLearner(
            ranker, self, context.progress, loss=student.loss, targets=teacher_scores(teacher), more=more
        )
        rng = np.random.default_rng((context.seed, 1))
        learner.learn(mined, student.steps, rng, partial(rate_factor, self, steps=student.steps))
        after = agreement(ranker, teacher, mined, _QUERIES_COMPARED)
        context.progress.start("student", None)
        context.progress.note(
            f"the student of {student.layers} layers orders {after:.3f} of the pairs of mined items as its teacher "
            f"does, {before:.3f} before it was taught"
        )
        context.progress.finish()
        return ranker


@dataclass(frozen=True)
class TrainedCrossEncoder:
    """Implements TrainedReranker; `pairs`: texts that torch and the graph are compared on."""

    config: CrossEncoderRerankerConfig
    ranker: CrossEncoderRanker
    tokenizer: TextTokenizer
    pairs: Sequence[tuple[str, str]]

    @property
    def findings(self) -> Sequence[Finding]:
        """None."""
        return ()

    @property
    def parts(self) -> BundleParts:
        """What it reads, and its tokenizer."""
        config = self.config
        spec = CrossEncoderSpec(
            tokenizer=config.model,
            query_columns=config.query_columns,
            item_columns=config.item_columns,
            max_tokens=config.max_tokens,
        )
        return BundleParts(spec, {config.model: self.tokenizer})

    def scorer(self, part: AskedPart) -> ListScore:
        """Scores by the texts of the part's queries."""

        def score(place: int, item_K: IntArray) -> FloatArray:
            with torch.no_grad():
                score_1K = self.ranker.score(part.queries.query_rows_Q[[place]], item_K[None])
            score_K: FloatArray = score_1K[0].float().cpu().numpy()
            return score_K

        return score

    def export(self, folder: Path) -> None:
        """Write the graph and compare it."""
        export_cross_encoder(self.ranker.model, self.ranker.tokens(self.pairs), folder / FILE)


def _example_pairs(ranker: CrossEncoderRanker, mined: Mined) -> list[tuple[str, str]]:
    """Texts of the first positives and of the first mined pairs."""
    asked, half = mined.queries.asked, _PAIRS_COMPARED // 2
    query_V = np.append(mined.queries.query_rows_Q[asked.row_index_V[:half]], mined.query_V[:half])
    item_V = np.append(asked.values_V[:half], mined.found.items.values_V[:half])
    return ranker.texts(query_V, item_V)
