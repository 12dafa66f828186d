"""What a reranker's training leaves."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from bundle.rerankers import RerankerSpec
from bundle.tokens import TextTokenizer
from training.rankers.contract import Ranker


class TrainedReranker(Protocol):
    """A reranker that can be put into a bundle."""

    @property
    def spec(self) -> RerankerSpec:
        """What it reads, for the manifest."""

    @property
    def tokenizers(self) -> Mapping[str, TextTokenizer]:
        """The tokenizers that the spec names."""

    @property
    def ranker(self) -> Ranker:
        """The model."""

    def export(self, path: Path) -> None:
        """Write the graph; raises ExportMismatch unless it scores as the trained reranker."""
