"""The bundle's feature ranker orders what was found."""

from typing import Literal

import numpy as np
from pydantic import Field

from index.feature_ranking import CorpusRanker
from index.second_stages.contract import FallibleConfig, Runtime
from index.second_stages.found import Found
from index.second_stages.paced import Scored
from index.second_stages.reading import ReadingStage


class FeatureRanker(FallibleConfig):
    """The bundle's feature ranker, which reads counts, ages, columns and what an item has in common with the query."""

    kind: Literal["feature_ranker"] = Field(description="Which reranking this is.")

    @property
    def reads_texts(self) -> bool:
        """Whether a cross-encoder takes part."""
        return False

    @property
    def reads_vectors(self) -> bool:
        """Whether the vector of the query is needed."""
        return True

    @property
    def reads_features(self) -> bool:
        """Whether the feature ranker takes part."""
        return True

    def build(self, runtime: Runtime) -> ReadingStage:
        """The stage around the runtime's feature ranker."""
        return ReadingStage(FeaturePart(runtime.feature_ranker()), self, runtime)


class FeaturePart:
    """Implements Scorer: all candidates at once, because ranks among them are features; no budget cuts it short."""

    def __init__(self, corpus: CorpusRanker) -> None:
        self._corpus = corpus

    def scores(self, found: Found) -> Scored:
        """Scores of all candidates; raises InvalidRecord or RerankerFailed."""
        if len(found.row_C) == 0:
            return Scored(np.empty(0, dtype=np.float32))
        (asking,) = self._corpus.asking(found.query.embedded(), found.query.records)
        return Scored(self._corpus.score(asking, found.row_C))
