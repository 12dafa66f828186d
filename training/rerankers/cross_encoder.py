"""A cross-encoder trained against what the finished towers find, and exported.

Nogueira and Cho, "Passage Re-ranking with BERT" (2019); negatives from the first stage as in Gao et al., "Rethink
Training of BERT Rerankers in Multi-stage Retrieval Pipeline" (2021). Letters: Q training queries, V mined pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from pydantic import Field

from bundle.features import FeatureSpec
from bundle.rerankers.cross_encoder import FILE, CrossEncoderSpec
from bundle.tokens import TextTokenizer
from training.finding import Finding
from training.mining.miner import HardNegativesConfig, Mined, Miner
from training.ragged import FloatArray, IntArray
from training.rankers.cross_encoder import CrossEncoderConfig, CrossEncoderRanker, export_cross_encoder
from training.rankers.learner import RankerLearner, RankerSteps
from training.rerankers.contract import AskedPart, BundleParts, ListScore, RerankerData, TrainedReranker

_PAIRS_COMPARED = 64


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

    def fit(self, data: RerankerData) -> TrainedReranker:
        """Train on the training queries of the finished towers.

        Raises ConfigError as its build does, BadData and Diverged as `RankerLearner.learn`.
        """
        context = data.context
        ranker = self.build(context)
        mining = HardNegativesConfig(depth=self.depth, per_query=self.depth, relative_margin=self.relative_margin)
        mined = Miner(mining, context).mine()
        RankerLearner(ranker, self, context.progress).learn(mined, self.steps, np.random.default_rng(context.seed))
        tokenizer = context.pretrained.folder(self.model).tokenizer
        return _Trained(self, ranker, tokenizer, _example_pairs(ranker, mined))


@dataclass(frozen=True)
class _Trained:
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
