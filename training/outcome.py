"""Everything a finished run knows, for its model card and its report."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from training.compare import Comparison
from training.config import TrainConfig
from training.dataset import Dataset
from training.diagnostics import Diagnostics, diagnose
from training.learn import Learned
from training.metrics import Band
from training.rerank import Reranking
from training.semantic_ids import SemanticIds
from training.splits import Split


@dataclass(frozen=True)
class Outcome:
    """A finished run before its bundle is written."""

    config: TrainConfig
    dataset: Dataset
    split: Split
    learned: Learned
    comparison: Comparison
    semantic_ids: SemanticIds | None
    rerankings: Sequence[Reranking] = ()

    @property
    def trained(self) -> bool:
        """Whether there was an epoch at all."""
        return self.config.trainer.epochs > 0

    @cached_property
    def diagnostics(self) -> Diagnostics:
        """What the averages hide; measured when first asked for."""
        return diagnose(self.config, self.dataset, self.split, self.learned, self.comparison)

    def counts(self) -> dict[str, int]:
        """Rows read, dropped and used, by name."""
        return {
            **self.dataset.report.as_dict(),
            "train_interactions": len(self.split.train_N),
            "validation_interactions": len(self.split.validation_N),
            "test_interactions": len(self.split.test_N),
            "examples": self.learned.examples,
            "interactions_left_out_of_examples": self.learned.left_out,
        }

    def metric_table(self) -> list[list[str]]:
        """Metrics on the test part: a header row, then one row a metric, one column a method."""
        return _by_method(self.comparison.metrics)

    def extra_table(self) -> list[list[str]]:
        """Precision, propensity-scored precision and graded nDCG, in the form of `metric_table`."""
        return _by_method(self.diagnostics.extra)

    def band_table(self) -> list[list[str]]:
        """Recall by how often an item was trained on: a header row, then one row a band, one column a method."""
        bands = self.diagnostics.bands
        header = ["times trained", "items", "relevant", *(method.replace("_", "-") for method in bands)]
        rows = [
            [first.label, f"{first.items:,}", f"{first.relevant:,}", *(_recall(band) for band in same)]
            for first, *same in zip(next(iter(bands.values())), *bands.values(), strict=True)
        ]
        return [header, *rows]


def _recall(band: Band) -> str:
    return f"{band.recall:.4g}" if band.relevant else "–"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def _by_method(metrics: dict[str, dict[str, float]]) -> list[list[str]]:
    names = list(next(iter(metrics.values())))
    rows = [[name, *(_number(values[name]) for values in metrics.values())] for name in names]
    return [["metric", *(method.replace("_", "-") for method in metrics)], *rows]
