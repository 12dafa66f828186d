"""Hubs of two cross-lingual encoders, before and after what an index can do about them.

Letters: Q queries, K hits.
"""

import time
from collections.abc import Callable
from functools import partial

from benchmarks.index_parts.german_english import NAME, PREAMBLE, Embedded, by_regression, by_tower, german_english
from benchmarks.parts import Budget, Part
from benchmarks.report import Row, rows_of
from benchmarks.text_task import Task
from bundle.hubness import Hubness
from index.hubness.asking import asking_items
from index.hubness.config import HubnessConfig
from index.hubness.fit import fit_bias
from index.hubness.trial import Trial
from training.ragged import IntArray

PROTOCOL = f"""{PREAMBLE.strip()}

The bank of queries is dev, whose documents to find tune both betas; that of items is drawn from the corpus. Measured on
the queries of test, which no bank has seen: recall, and of the places among the first ten the skewness over all
documents, the most that one has, the share of documents that have none (`never`) and the Robin-Hood index. With two
places a document the two last are large in any case. `item-bank`: inverted softmax with documents in the place of
queries, all that a catalogue without a log of queries has. `overlap`: share of the ten best of the whole corpus among
the candidates that a search orders. Seeds: training, halves of the bank.
"""


def measured(made: Embedded, seed: int) -> dict[str, dict[str, float]]:
    """Measures of the test queries by method, and what the bias cost."""
    started = time.process_time()
    fitted = fit_bias(made.document_CD, made.bank, HubnessConfig(queries="dev", positives="item_id"), "cosine", seed)
    seconds = time.process_time() - started
    trial = Trial(made.document_CD, made.test)
    found = {"raw": marks(trial.rows(fitted.bias, "off"), made)}
    for method, depth_QK in trial.depths(fitted.bias).items():
        overlap = float((depth_QK < fitted.report.n_candidates).mean())
        found[method.replace("_", "-")] = marks(trial.rows(fitted.bias, method), made) | {"overlap": overlap}
    found["dual-inverted-softmax"]["fit_cpu_s"] = seconds
    config = HubnessConfig()
    items = asking_items(made.document_CD, config.bank_size, seed)
    unasked = fit_bias(made.document_CD, items, config, "cosine", seed).bias
    found["inverted-softmax-item-bank"] = marks(trial.rows(unasked, "inverted_softmax"), made)
    return found


def marks(rows_QK: IntArray, made: Embedded) -> dict[str, float]:
    """Recall and hubs of the hits of the test queries."""
    hubness = Hubness.of(rows_QK, len(made.document_CD))
    is_found_QK = rows_QK == made.test.positive_rows_Q[:, None]
    return {
        "recall@1": float(is_found_QK[:, 0].mean()),
        "recall@10": float(is_found_QK.any(axis=1).mean()),
        "skewness": hubness.skew,
        "largest": float(hubness.occurrence_N[hubness.hub]),
        "never": hubness.never,
        "robin_hood": hubness.robin_hood,
    }


def measure(budget: Budget) -> list[Row]:
    """Rows of every encoder and method over the seeds."""
    task = german_english(budget.data)
    encoders: dict[str, Callable[[Task, int], Embedded]] = {
        "regression": by_regression,
        "tower": partial(by_tower, epochs=1 if budget.quick else 2),
    }
    rows: list[Row] = []
    for name, encode in encoders.items():
        runs = []
        for seed in range(budget.seeds):
            runs.append(measured(encode(task, seed), seed))
            shown = {method: round(values["skewness"], 2) for method, values in runs[-1].items()}
            print(f"{NAME:>28}  {name:<12} seed {seed}  skewness {shown}", flush=True)
        for method in runs[0]:
            rows += rows_of(f"{NAME}-{name}", method, [run[method] for run in runs])
    return rows


HUBNESS = Part(PROTOCOL, measure)
