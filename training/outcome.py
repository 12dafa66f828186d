"""Everything a finished run knows, for its model card and its report."""

from dataclasses import dataclass

from training.compare import Comparison
from training.config import TrainConfig
from training.dataset import Dataset
from training.learn import Learned
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
        metrics = self.comparison.metrics
        names = list(next(iter(metrics.values())))
        rows = [[name, *(f"{values[name]:.4g}" for values in metrics.values())] for name in names]
        return [["metric", *(method.replace("_", "-") for method in metrics)], *rows]
