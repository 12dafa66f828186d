"""A bundle measured as it is served: its ONNX towers, on the tables that it was trained from.

Axes: B queries of a chunk, Q queries, N items, D embedding.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bundle.columns import EncodedRecords
from bundle.config import validate_config
from bundle.errors import ConfigError
from bundle.progress import NoProgress, Progress
from bundle.store import Bundle
from bundle.tower import Tower
from training.compare import MODEL, Comparison, Part, compare
from training.config import TrainConfig
from training.dataset import Dataset
from training.evaluate import Score
from training.evaluation_set import EvaluationSet
from training.load import load
from training.ragged import FloatArray, IntArray
from training.records import encode_items

_BATCH = 64


@dataclass(frozen=True)
class MeasuredBundle:
    """A bundle on one part of the tables that it was trained from: what was measured, and what of."""

    bundle_id: str
    part: Part
    config: TrainConfig
    dataset: Dataset
    comparison: Comparison

    @property
    def query_ids(self) -> list[str]:
        """Ids of the queries that were ranked, in the order of the rankings."""
        asked = self.comparison.queries.query_rows_Q[self.comparison.rankings[MODEL].query_R]
        return [self.dataset.query_ids[row] for row in asked.tolist()]


def evaluate_bundle(
    bundle: Bundle, base: Path, part: Part, progress: Progress | None = None
) -> dict[str, dict[str, float]]:
    """Metrics by method on one part; see `measure_bundle`."""
    return measure_bundle(bundle, base, part, progress).comparison.metrics


def measure_bundle(bundle: Bundle, base: Path, part: Part, progress: Progress | None = None) -> MeasuredBundle:
    """Rank one part; the tables' relative paths, which the bundle remembers, count from `base`.

    Raises ConfigError when the bundle was refit on the part or remembers settings that this version does not know, and
    what reading the tables raises.
    """
    progress = progress or NoProgress()
    config = validate_config(TrainConfig, bundle.manifest.training, f"the configuration in bundle {bundle.bundle_id}")
    if part == "validation" and config.trainer.refit == "validation":
        raise ConfigError(
            f"bundle {bundle.bundle_id} was trained on the validation part too (trainer.refit), so a measure there "
            "says nothing; use the test part"
        )
    dataset, split = load(config, base)
    item_DN = _embed(bundle.item, encode_items(dataset, bundle.item.featurizer), "embed items", progress).T

    def model(queries: EvaluationSet) -> Score:
        query_QD = _embed(bundle.query, queries.encoded, "embed queries", progress)

        def score(rows_B: IntArray) -> FloatArray:
            score_BN: FloatArray = query_QD[rows_B] @ item_DN
            return score_BN

        return score

    comparison = compare(config, dataset, split, bundle.query.featurizer, model, part)
    return MeasuredBundle(bundle.bundle_id, part, config, dataset, comparison)


def _embed(tower: Tower, records: EncodedRecords, task: str, progress: Progress) -> FloatArray:
    embedding_ND = np.empty((len(records), tower.dimension), dtype=np.float32)
    progress.start(task, len(records))
    for start in range(0, len(records), _BATCH):
        rows = np.arange(start, min(start + _BATCH, len(records)))
        embedding_ND[rows] = tower.embed_batch(records.batch(rows))
        progress.advance(len(rows))
    progress.finish()
    return embedding_ND
