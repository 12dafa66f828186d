"""The feature ranker on the example: what it reads and says in training, it reads and says for a request.

K items of one query.
"""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import torch

from bundle.config import load_config
from bundle.progress import NoProgress
from bundle.store import Bundle, open_bundle
from bundle.workspace import Workspace
from index.build import build_index
from index.config import BuildConfig
from index.feature_ranking import CorpusRanker
from index.store import activate
from index.version import IndexVersion, open_version
from service.schemas.rerank import RerankAnswer
from service.settings import LogSettings, ReloadSettings, Settings
from tests.flows.conftest import EXAMPLE
from tests.service.running import LiveApp
from training.compare import compare
from training.config import TrainConfig
from training.dataset import Dataset
from training.learn import Learner
from training.load import load
from training.quantizers.contract import Behaviour, QuantizerData
from training.ragged import IntArray
from training.rerank import RerankStep
from training.rerankers.contract import AskedPart, TrainedReranker
from training.run import train
from training.score import model_score
from training.semantic_ids import fit_semantic_ids

NAME, DEPTH, N_CUSTOMERS = "online-retail", 40, 100
SETTINGS = (
    "trainer.epochs=1",
    "trainer.refit=none",
    "dimension=16",
    "quantizer.codebook_size=8",
    "rerankers.feature_ranker.depth=40",
    "rerankers.feature_ranker.epochs=4",
    'rerankers.feature_ranker.item=[{kind="number", name="price"}, {kind="category", name="colour"}]',
)
GONE, NEW = "71053", "00new"
PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "rerank-with-features.md").read_text()


@dataclass(frozen=True)
class Ranked:
    """A bundle with a feature ranker served over a catalogue of its own, and the same ranker as training left it."""

    app: LiveApp
    bundle: Bundle
    version: IndexVersion
    dataset: Dataset
    part: AskedPart
    trained: TrainedReranker

    @property
    def corpus(self) -> CorpusRanker:
        """The ranker as the index offers it."""
        ranker, rows = self.bundle.rerankers.feature_ranker, self.version.feature_rows
        assert ranker is not None and rows is not None
        items = rows.side(len(ranker.spec.categories), self.version.role().vectors_ND)
        return CorpusRanker(ranker, items, self.version.ids, self.bundle.semantic_ids)

    def record(self, place: int) -> dict[str, Any]:
        """The query at a place of the test part, as a request gives it."""
        (record,) = self.dataset.queries.records(["query_id", "country"], self.part.queries.query_rows_Q[[place]])
        return {**record, "history": self.ids(self.part.queries.history.row(place))}

    def ids(self, item_K: IntArray) -> list[str]:
        """Item ids of dataset rows."""
        return [self.dataset.items.item_ids[row] for row in item_K.tolist()]

    def candidates(self, place: int) -> IntArray:
        """The items that the towers put first for a query, of those in the served catalogue."""
        order_N = np.argsort(-(self.part.item_ND @ self.part.query_QD[place]), kind="stable")[: DEPTH + 1]
        return order_N[[name != GONE for name in self.ids(order_N)]][:DEPTH]


@pytest.fixture(scope="module")
def ranked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ranked]:
    root = tmp_path_factory.mktemp("features")
    write_tables(root)
    config = load_config(TrainConfig, root / "train.toml", SETTINGS)
    workspace = Workspace(root / "workspace")
    collection = workspace.collection(NAME)
    bundle = open_bundle(collection, train(config, root, collection, progress=NoProgress()).bundle_id)
    step = again(config, root)
    (reranking,) = step.run()
    # Equal settings give the same ranker, so that it can stand for the one in the bundle.
    assert reranking.gain.flat().items() <= bundle.manifest.evaluation.items()
    version = build_index(collection, BuildConfig(collection=NAME, items=root / "catalogue.parquet"))
    activate(collection, version)
    reload, logs = ReloadSettings(poll_seconds=0.05), LogSettings(requests=False)
    with LiveApp(Settings(workspace=workspace.root, reload=reload, logs=logs)) as app:
        opened = open_version(collection, version)
        yield Ranked(app.ready(), bundle, opened, step.dataset, step.test(), reranking.trained)


def write_tables(root: Path) -> None:
    """Some customers of the example, items with a colour, and a catalogue in another order: one is gone, one is new."""
    shutil.copy(EXAMPLE / "train.toml", root)
    queries = pq.read_table(EXAMPLE / "queries.parquet").slice(0, N_CUSTOMERS)
    pq.write_table(queries, root / "queries.parquet")
    interactions = pq.read_table(EXAMPLE / "interactions.parquet")
    kept = interactions.filter(pc.is_in(interactions["query_id"], queries["query_id"].combine_chunks()))
    pq.write_table(kept, root / "interactions.parquet")
    items = pq.read_table(EXAMPLE / "items.parquet")
    colours = [
        next((c for c in ("RED", "BLUE", "PINK") if c in text), None) for text in items["description"].to_pylist()
    ]
    items = items.append_column("colour", pa.array(colours, pa.string()))
    pq.write_table(items, root / "items.parquet")
    new = {"item_id": [NEW], "description": ["RED MUG"], "price": [None], "colour": ["RED"]}
    left = pa.concat_tables([items.filter(pc.not_equal(items["item_id"], GONE)), pa.table(new, items.schema)])
    order = np.random.default_rng(0).permutation(len(left))
    pq.write_table(left.take(pa.array(order)), root / "catalogue.parquet")


def again(config: TrainConfig, base: Path) -> RerankStep:
    """The run once more up to its rerankers."""
    dataset, split = load(config, base)
    learned = Learner(config, dataset, split, NoProgress()).learn()
    comparison = compare(
        config,
        dataset,
        split,
        learned.features.query,
        lambda queries: model_score(learned.model, queries, learned.items, torch.device("cpu")),
    )
    item_ND = RerankStep(config, dataset, split, learned, comparison, None).test().item_ND
    behaviour = Behaviour.of(dataset.interactions, split.train_N, len(dataset.query_ids))
    assert config.quantizer is not None
    data = QuantizerData(item_ND, behaviour)
    semantic_ids = fit_semantic_ids(config.quantizer, data, config.trainer.seed, config.trainer.threads)
    return RerankStep(config, dataset, split, learned, comparison, semantic_ids)


def test_a_request_reads_the_features_that_training_read(ranked: Ranked) -> None:
    corpus, spec = ranked.corpus, ranked.corpus.ranker.spec
    features = ranked.trained.columns.of_part(ranked.part)  # type: ignore[attr-defined]
    for place in range(len(ranked.part.queries)):
        item_K = ranked.candidates(place)
        expected = features.pairs(place, item_K)
        record = ranked.record(place)
        (query,) = corpus.asking(ranked.bundle.query.embed([record]), [record])
        served = corpus.ranker.features.pairs(query, corpus.items, corpus.ids.rows(ranked.ids(item_K)))
        np.testing.assert_array_equal(served.category_MC, expected.category_MC)
        for name, ours, theirs in zip(spec.names, served.feature_MF.T, expected.feature_MF.T, strict=True):
            if GONE in record["history"] and name in HISTORY_FEATURES:
                continue  # what the catalogue no longer has is no history that can be read
            np.testing.assert_allclose(ours, theirs, atol=1e-5, err_msg=name)


HISTORY_FEATURES = {
    "similarity_max",
    "similarity_mean",
    "levels_max",
    "levels_mean",
    "log_history",
    "share_of_same_colour",
}


def test_rerank_gives_the_scores_of_training(ranked: Ranked) -> None:
    score = ranked.trained.scorer(ranked.part)
    checked = 0
    for place in range(len(ranked.part.queries)):
        record, item_K = ranked.record(place), ranked.candidates(place)
        if GONE in record["history"]:
            continue
        body = {"query": record, "item_ids": ranked.ids(item_K), "reranker": "feature_ranker"}
        answer = ranked.app.post("rerank", body, collection=NAME).json()
        RerankAnswer.model_validate(answer)
        scores_K = np.empty(len(item_K))
        scores_K[[hit["index"] for hit in answer["hits"]]] = [hit["score"] for hit in answer["hits"]]
        np.testing.assert_allclose(scores_K, score(place, item_K), atol=1e-5, rtol=1e-5)
        assert [hit["score"] for hit in answer["hits"]] == sorted(scores_K, reverse=True)
        checked += 1
    assert checked > 5


def test_search_orders_what_the_towers_found(ranked: Ranked) -> None:
    record = ranked.record(0)
    found = search(ranked, queries=[record], k=DEPTH)
    names = [hit["item_id"] for hit in found]
    body = {"query": record, "item_ids": names, "reranker": "feature_ranker", "k": 10}
    wanted = ranked.app.post("rerank", body, collection=NAME).json()["hits"]
    hits = search(ranked, queries=[record], k=10, rerank="feature_ranker", depth=DEPTH)
    assert [hit["item_id"] for hit in hits] == [one["item_id"] for one in wanted]
    assert [hit["score"] for hit in hits] == pytest.approx([one["score"] for one in wanted], abs=1e-5)
    assert all(hit["reranked"] is True for hit in hits)
    # Without a depth it is the one that the ranker learnt to order.
    assert search(ranked, queries=[record], k=10, rerank="feature_ranker") == hits
    assert [one["item_id"] for one in hits] != names[:10]


def test_a_vector_has_no_history_and_neither_has_a_record_without_one(ranked: Ranked) -> None:
    record = {name: value for name, value in ranked.record(0).items() if name != "history"}
    vector = ranked.bundle.query.embed([record])[0].tolist()
    with_record, with_vector, empty = (
        search(ranked, **asked, k=5, rerank="feature_ranker")
        for asked in ({"queries": [record]}, {"vectors": [vector]}, {"queries": [{**record, "history": []}]})
    )
    assert with_record == empty
    assert with_vector == [{**hit, "score": pytest.approx(hit["score"], abs=1e-4)} for hit in with_record]


def test_an_item_that_training_did_not_know_has_no_purchases_and_no_age(ranked: Ranked) -> None:
    corpus = ranked.corpus
    row = corpus.ids.rows([NEW])[0]
    named = dict(zip(corpus.ranker.spec.numbers, corpus.items.number_NS[row].tolist(), strict=True))
    assert (named["log_count"], named["log_recent_count"]) == (0, 0)
    assert np.isnan([named["log_days_since_last"], named["price"]]).all()
    body = {"query": ranked.record(0), "item_ids": [NEW], "reranker": "feature_ranker"}
    assert np.isfinite(ranked.app.post("rerank", body, collection=NAME).json()["hits"][0]["score"])


def test_the_requests_of_the_page_are_answered(ranked: Ranked) -> None:
    requests = re.findall(r"^POST /v1/collections/shop/(\w+)\n(\{.*\})$", PAGE, re.MULTILINE)
    assert [route for route, _ in requests] == ["search", "search", "rerank"]
    for route, body in requests:
        response = ranked.app.post(route, json.loads(body), collection=NAME)
        assert response.status_code == 200, response.text


def search(ranked: Ranked, **body: Any) -> list[dict[str, Any]]:
    response = ranked.app.post("search", body, collection=NAME)
    assert response.status_code == 200, response.text
    hits: list[dict[str, Any]] = response.json()["results"][0]["hits"]
    return hits
