"""What a reranker's training gets, and what it leaves.

Axes: Q queries of a part, N items, D embedding, L levels, K items of one query.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bundle.rerankers import RerankerSpec
from bundle.tokens import TextTokenizer
from bundle.vocabulary import Vocabulary
from training.epoch_hook import HookContext
from training.evaluation_set import EvaluationSet
from training.finding import Finding
from training.ragged import FloatArray, IntArray

ListScore = Callable[[int, IntArray], FloatArray]
"""Gives scores float32 [K] of item rows [K] for the query at one place of a part; larger is better."""


@dataclass(frozen=True)
class AskedPart:
    """The queries of one part as towers see them that have not learnt from it.

    `before_N`: the interaction rows before the part, which histories and counts may hold. `query_code_QL` and
    `item_code_NL` are the semantic IDs of both embeddings; without a quantizer they have no level.
    """

    queries: EvaluationSet
    query_QD: FloatArray
    item_ND: FloatArray
    query_code_QL: IntArray
    item_code_NL: IntArray
    before_N: IntArray


@dataclass(frozen=True)
class RerankerData:
    """What a run knows when its towers are done.

    `context`: what they were trained on. `held_out`: makes the validation part. `as_held_out`: makes a part of given
    query rows, as they stood before the validation part. `served_N`: the interaction rows that statistics in the bundle
    may count. `exclude_seen`: whether items of a query's history are no candidates. `base`: what relative paths count
    from.
    """

    context: HookContext
    held_out: Callable[[], AskedPart]
    as_held_out: Callable[[IntArray], AskedPart]
    served_N: IntArray
    exclude_seen: bool
    history_feature: str | None
    base: Path = Path()


@dataclass(frozen=True)
class BundleParts:
    """What the bundle gets of a reranker beside its own files."""

    spec: RerankerSpec
    tokenizers: Mapping[str, TextTokenizer] = field(default_factory=dict)
    vocabularies: Mapping[str, Vocabulary] = field(default_factory=dict)


class TrainedReranker(Protocol):
    """A reranker that can be put into a bundle."""

    @property
    def findings(self) -> Sequence[Finding]:
        """What the report is to warn of."""

    @property
    def parts(self) -> BundleParts:
        """What the manifest says of it, and the tokenizers and vocabularies that it names."""

    def scorer(self, part: AskedPart) -> ListScore:
        """Scores for the queries of a part."""

    def export(self, folder: Path) -> None:
        """Write its files; raises ExportMismatch unless the graph scores as the trained reranker."""


class RerankerConfig(Protocol):
    """The settings of a reranker."""

    @property
    def kind(self) -> str:
        """Its name: one reranker of a kind in a bundle."""

    @property
    def depth(self) -> int:
        """Items of a query that it orders."""

    @property
    def test_queries(self) -> int:
        """Test queries, at most, that reranking is measured on."""

    def fit(self, data: RerankerData) -> TrainedReranker:
        """Train it; raises RetrievalError."""
