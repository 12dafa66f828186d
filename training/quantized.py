"""Towers in int8, and what that costs: the test part is measured again through the quantized graphs.

Axes: N records, D embedding.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from bundle.columns import EncodedRecords, batches_of_like_length
from bundle.progress import Progress
from bundle.quantize import quantize_graph
from bundle.session import OnnxSession, SessionConfig
from training.compare import MODEL
from training.evaluate import evaluate
from training.outcome import Outcome
from training.ragged import FloatArray
from training.score import dot_score

INT8 = "int8"
_ROWS_A_BATCH, _VALUES_A_BATCH = 64, 8192
_COMPARED = 1000  # records a tower whose embeddings are compared one by one


@dataclass(frozen=True)
class Int8Cost:
    """What quantizing changed: metrics of the test part by name, before and after, and cosines to the fp32 embeddings.

    `cosine`: mean and smallest of up to a thousand records of each tower.
    """

    before: dict[str, float]
    after: dict[str, float]
    cosine: dict[str, float]

    def flat(self) -> dict[str, float]:
        """As it stands in the manifest, every name with `int8.` before it."""
        return {f"{INT8}.{name}": value for name, value in (self.after | self.cosine).items()}

    def note(self, metric: str) -> str:
        """One line for whoever watches."""
        closest = min(self.cosine["query_cosine_mean"], self.cosine["item_cosine_mean"])
        return f"int8: {metric} {self.before[metric]:.4f} -> {self.after[metric]:.4f}, mean cosine {closest:.4f}"


def quantize_towers(outcome: Outcome, query_path: Path, item_path: Path, progress: Progress) -> Int8Cost:
    """Put int8 graphs in the place of both exported towers and measure the test part through them.

    The fp32 graphs must have passed the parity gate, so the trained model's metrics stand for them.
    """
    learned, comparison, settings = outcome.learned, outcome.comparison, outcome.config.evaluation
    embedded: dict[str, FloatArray] = {}
    cosine: dict[str, float] = {}
    for name, tower, records, path in (
        ("query", learned.model.query, comparison.queries.encoded, query_path),
        ("item", learned.model.item, learned.items, item_path),
    ):
        quantize_graph(path, path)
        embedded[name] = embed_graph(path, records, f"embed {name} records in int8", progress)
        cosine |= {f"{name}_cosine_{key}": v for key, v in _cosines(tower, records, embedded[name]).items()}
    score = dot_score(embedded["query"], embedded["item"])
    after = evaluate(score, comparison.queries, settings.ks, settings.exclude_seen)
    return Int8Cost(comparison.metrics[MODEL], after, cosine)


def embed_graph(path: Path, records: EncodedRecords, task: str, progress: Progress) -> FloatArray:
    """Embeddings float32 [N, D] of encoded records through a graph; texts of like length share a batch."""
    session = OnnxSession(path, SessionConfig())
    embedding_ND = np.empty((len(records), session.output_width()), dtype=np.float32)
    progress.start(task, len(records))
    for rows in batches_of_like_length(records.lengths(), _ROWS_A_BATCH, _VALUES_A_BATCH):
        embedding_ND[rows] = session.run(records.batch(rows))[0]
        progress.advance(len(rows))
    progress.finish()
    return embedding_ND


def _cosines(tower: nn.Module, records: EncodedRecords, embedding_ND: FloatArray) -> dict[str, float]:
    compared_N = np.unique(np.linspace(0, len(records) - 1, min(_COMPARED, len(records))).astype(np.int64))
    cosines = []
    with torch.no_grad():
        for part in batches_of_like_length(records.lengths()[compared_N], _ROWS_A_BATCH, _VALUES_A_BATCH):
            rows = compared_N[part]
            before_BD = tower(*(torch.from_numpy(array) for array in records.batch(rows).values()))
            cosines.append(torch.cosine_similarity(before_BD, torch.from_numpy(embedding_ND[rows])).numpy())
    cosine_N = np.concatenate(cosines)
    return {"mean": float(cosine_N.mean()), "min": float(cosine_N.min())}
