"""The feature ranker over the towers of the Online Retail example, and what popularity alone would give.

Q queries, K items of one query, N items.
"""

import tempfile
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import ttest_rel

from benchmarks.comparison import merged
from benchmarks.online_retail import EXAMPLE
from benchmarks.parts import Budget, Part
from benchmarks.report import Row, rows_of
from bundle.config import validate_config
from bundle.progress import NoProgress
from bundle.rerankers import RerankerSpecs
from bundle.rerankers.pair_features import AskingQuery, ItemSide
from bundle.session import SessionConfig
from training.compare import compare
from training.config import TrainConfig
from training.dataset import Dataset, load_dataset
from training.evaluate import top_hits, unseen_relevant
from training.learn import Learner
from training.quantizers.contract import Behaviour, QuantizerData
from training.ragged import IntArray
from training.records import encode_items
from training.rerank import RerankStep
from training.rerankers.contract import AskedPart, ListScore, TrainedReranker
from training.rerankers.gain import ndcg
from training.score import dot_score, model_score
from training.semantic_ids import fit_semantic_ids

TASK = "online-retail"
PROTOCOL = """
The shipped example with its time split (train before 2011-10-31, validation up to 2011-11-21, test from there on; the
towers are trained anew on train and validation). The first 200 items of each test query that the customer has not
bought before, as the towers put them (`towers`), in other orders; customers without a new purchase are no queries, and
purchases that the towers did not find count as missed. `+popularity` and `+recent-popularity`: the z-score of the
towers in the list plus a weight times that of log(1 + purchases), of all before the test part or of their last 28 days;
the weight is picked on the validation part. `feature-ranker` learns from the validation part as the towers trained on
the training part alone see it, with the price as item column; `softmax` with the listwise softmax in the place of
LambdaRank. `seen`: learnt from the same queries as the finished towers see them, which have learnt from them too: what
goes wrong without held-out towers. `gain` is the difference to the towers in nDCG@20, `p` that of a paired t test over
the queries, whose values are means over the seeds. `cpu_ms`: features and scores of one query, as a bundle
computes them.
"""
DEPTH = 200
CUT = 20
RANKER = {"item": [{"kind": "number", "name": "price", "transform": "log"}], "depth": DEPTH}
WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0)
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """Measures of one order of the candidates; `ndcg_Q` is nDCG@20 of every query."""

    ndcg_Q: FloatArray
    values: Mapping[str, float]


@dataclass(frozen=True)
class Candidates:
    """What the towers found for the queries of a part that wanted something: items, and which were wanted."""

    part: AskedPart
    query_R: IntArray
    items_RK: IntArray

    @classmethod
    def of(cls, part: AskedPart, depth: int = DEPTH) -> "Candidates":
        """The first items of each query, without those that it had before."""
        asked = np.flatnonzero(unseen_relevant(part.queries, True)[0].lengths > 0)
        towers = dot_score(part.query_QD, part.item_ND)
        return cls(part, asked, top_hits(towers, part.queries, asked, depth).items_RK)

    def measure(self, score: ListScore) -> Measured:
        """The candidates in the order of a score."""
        relevant = unseen_relevant(self.part.queries, True)[0]
        ndcgs, recalls, ranks = [], [], []
        started = time.process_time()
        for query, item_K in zip(self.query_R.tolist(), self.items_RK, strict=True):
            item_K = item_K[item_K >= 0]
            wanted = relevant.row(query)
            found_K = np.isin(item_K, wanted)[np.argsort(-score(query, item_K), kind="stable")]
            ndcgs.append(ndcg(found_K, len(wanted), CUT))
            recalls.append(found_K[:CUT].sum() / len(wanted))
            ranks.append(1 / (1 + found_K.argmax()) if found_K.any() else 0.0)
        seconds = (time.process_time() - started) / len(self.query_R)
        values = {"ndcg@20": np.mean(ndcgs), "recall@20": np.mean(recalls), "mrr": np.mean(ranks)}
        return Measured(np.array(ndcgs), {k: float(v) for k, v in values.items()} | {"cpu_ms": 1000 * seconds})


def towers_of(part: AskedPart) -> ListScore:
    """The towers' own scores."""
    return lambda place, item_K: part.item_ND[item_K] @ part.query_QD[place]


def blended(part: AskedPart, log_count_N: NDArray[np.float32], weight: float) -> ListScore:
    """The z-score of the towers in a list, plus that of the items' log counts."""

    def score(place: int, item_K: IntArray) -> NDArray[np.float32]:
        blend_K: NDArray[np.float32] = z_score(towers_of(part)(place, item_K)) + weight * z_score(log_count_N[item_K])
        return blend_K

    return score


def z_score(value_K: NDArray[np.float32]) -> NDArray[np.float32]:
    """Values of a list with mean 0 and deviation 1."""
    standard_K: NDArray[np.float32] = (value_K - value_K.mean()) / max(float(value_K.std()), 1e-9)
    return standard_K


def log_counts(dataset: Dataset, part: AskedPart, days: int | None) -> NDArray[np.float32]:
    """log(1 + purchases) of every item before the part, float32 [N]; of the last `days` alone where given."""
    interactions, rows_N = dataset.interactions, part.before_N
    if days is not None and interactions.timestamp_N is not None:
        time_N = interactions.timestamp_N[rows_N]
        rows_N = rows_N[time_N > time_N.max() - days * 86_400_000_000]
    return np.log1p(np.bincount(interactions.item_N[rows_N], minlength=len(dataset.items))).astype(np.float32)


def run(dataset: Dataset, base: Mapping[str, Any], seed: int) -> dict[str, Measured]:
    """Every order of the candidates by method, for one training of the towers."""
    over = {"trainer": {"seed": seed}, "rerankers": {"feature_ranker": RANKER}}
    config = validate_config(TrainConfig, merged(base, over), TASK)
    step = trained_towers(config, dataset)
    held_out, test = step.held_out(), step.test()
    dev, exam = Candidates.of(held_out), Candidates.of(test)
    found = {"towers": exam.measure(towers_of(test))}
    for name, days in (("popularity", None), ("recent-popularity", 28)):
        counts = {id(part): log_counts(dataset, part, days) for part in (held_out, test)}
        tried = {w: dev.measure(blended(held_out, counts[id(held_out)], w)).values["ndcg@20"] for w in WEIGHTS}
        weight = max(tried, key=lambda w: tried[w])
        found[f"towers+{name}"] = exam.measure(blended(test, counts[id(test)], weight))
    softmax = {"rerankers": {"feature_ranker": {"objective": {"kind": "softmax"}}}}
    steps = {
        "feature-ranker": step,
        "feature-ranker-softmax": replace(
            step, config=validate_config(TrainConfig, merged(merged(base, over), softmax), TASK)
        ),
        "feature-ranker-seen": replace(step, learned=replace(step.learned, selected=None)),
    }
    for name, one in steps.items():
        (reranking,) = one.run()
        found[name] = exam.measure(served(reranking.trained, dataset, test))
    return found


def served(trained: TrainedReranker, dataset: Dataset, part: AskedPart) -> ListScore:
    """The ranker as a bundle holds it: its graph, its statistics by item id."""
    parts = trained.parts
    with tempfile.TemporaryDirectory() as name:
        trained.export(Path(name))
        specs = RerankerSpecs.model_validate({parts.spec.kind: parts.spec})
        ranker = specs.open(Path(name), parts.tokenizers, parts.vocabularies, SessionConfig()).feature_ranker
        if ranker is None:
            raise ValueError("what was trained is no feature ranker")
        encoded = encode_items(dataset, ranker.features.item_featurizer).batch()
        arrays = ranker.item_arrays(dataset.items.table["item_id"], encoded)
    items = ItemSide(part.item_ND, *arrays, part.item_code_NL)

    def score(place: int, item_K: IntArray) -> NDArray[np.float32]:
        query = AskingQuery(part.query_QD[place], part.query_code_QL[place], part.queries.history.row(place))
        return ranker.score(query, items, item_K)

    return score


def trained_towers(config: TrainConfig, dataset: Dataset) -> RerankStep:
    """The towers and semantic IDs of the run, ready for rerankers."""
    split = config.split.split(dataset)
    learned = Learner(config, dataset, split, NoProgress()).learn()
    comparison = compare(
        config,
        dataset,
        split,
        learned.features.query,
        lambda queries: model_score(learned.model, queries, learned.items, torch.device("cpu")),
    )
    part = RerankStep(config, dataset, split, learned, comparison, None).test()
    behaviour = Behaviour.of(dataset.interactions, part.before_N, len(dataset.query_ids))
    if config.quantizer is None:
        raise ValueError("the example has semantic IDs")
    semantic_ids = fit_semantic_ids(config.quantizer, QuantizerData(part.item_ND, behaviour), config.trainer.seed, 1)
    return RerankStep(config, dataset, split, learned, comparison, semantic_ids)


def measure(budget: Budget) -> list[Row]:
    """Rows of every method over the seeds."""
    base = tomllib.loads((EXAMPLE / "train.toml").read_text())
    dataset = load_dataset(validate_config(TrainConfig, base, TASK).data, EXAMPLE)
    runs: list[dict[str, Measured]] = []
    for seed in range(budget.seeds):
        runs.append(run(dataset, base, seed))
        shown = {name: round(one.values["ndcg@20"], 4) for name, one in runs[-1].items()}
        print(f"{TASK}  seed {seed}  ndcg@20 {shown}", flush=True)
    towers_Q = np.mean([one["towers"].ndcg_Q for one in runs], axis=0)
    rows: list[Row] = []
    for name in runs[0]:
        rows += rows_of(TASK, name, [one[name].values for one in runs])
        if name != "towers":
            mean_Q = np.mean([one[name].ndcg_Q for one in runs], axis=0)
            rows.append(Row(TASK, name, "gain", float((mean_Q - towers_Q).mean()), None, len(runs)))
            rows.append(Row(TASK, name, "p", float(ttest_rel(mean_Q, towers_Q).pvalue), None, len(runs)))
    return rows


ONLINE_RETAIL = Part(PROTOCOL, measure)
