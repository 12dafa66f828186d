"""Datasets of item pairs: parts counted apart, weights, what stands in the report; and the planted shop."""

from pathlib import Path

import numpy as np
import pytest
import torch

from bundle.progress import NoProgress
from tests.training.item_pairs.shop import N_KINDS, basket_dataset, planted_baskets, planted_config
from training.dataset import DataConfig, Dataset
from training.errors import BadData
from training.evaluate import rank
from training.evaluation_set import evaluation_queries
from training.item_dataset import pair_baskets, read_related_items
from training.item_pairs.baskets import BasketPairsConfig
from training.item_pairs.relations import RelationPairsConfig
from training.item_pairs.synthetic import SyntheticPairsConfig
from training.learn import Learner
from training.model import embed
from training.ragged import IntArray
from training.records import encode_queries
from training.score import dot_score
from training.splits import ColumnSplit, Split, TimeSplit

BASKETS = [[0, 1], [0, 1], [1, 2], [1, 2], [0, 2], [2, 3]]
ANY = BasketPairsConfig(min_count=1, min_pmi=None, size_quantile=1.0)


def halves(dataset: Dataset) -> Split:
    return TimeSplit(validation_from=None, test_from=0.6).split(dataset)


def pairs_of(dataset: Dataset, rows: IntArray) -> dict[tuple[int, int], float]:
    interactions = dataset.interactions
    assert interactions.weight_N is not None
    columns = interactions.query_N[rows], interactions.item_N[rows], interactions.weight_N[rows]
    return {(a, b): weight for a, b, weight in zip(*(column.tolist() for column in columns), strict=True)}


def test_a_basket_counts_in_its_own_part_alone_and_the_count_is_the_weight() -> None:
    dataset = basket_dataset(BASKETS, 4)
    found, split = pair_baskets(ANY, dataset, halves(dataset))
    assert pairs_of(found, split.train_N) == {(0, 1): 2, (1, 0): 2, (1, 2): 1, (2, 1): 1} | {(1, 2): 1, (2, 1): 1}
    assert pairs_of(found, split.test_N) == {(1, 2): 1, (2, 1): 1, (0, 2): 1, (2, 0): 1, (2, 3): 1, (3, 2): 1}
    assert len(split.validation_N) == 0


def test_the_queries_are_the_items_with_their_features() -> None:
    dataset = basket_dataset(BASKETS, 4)
    found, _ = pair_baskets(ANY, dataset, halves(dataset))
    assert found.queries_are == "items"
    assert found.query_ids == found.items.item_ids
    assert found.queries.records(["item_id"], np.array([3])) == [{"item_id": "i3"}]


def test_the_report_counts_what_was_dropped_in_training() -> None:
    dataset = basket_dataset([[0, 1], [0, 1], [0, 2], [2, 3], [2, 3], [0, 1], [0, 1]], 4)
    found, split = pair_baskets(ANY.model_copy(update={"min_count": 2}), dataset, halves(dataset))
    assert pairs_of(found, split.train_N) == {(0, 1): 2, (1, 0): 2}
    counts = found.report.as_dict()
    assert (counts["baskets"], counts["dropped_rare_pairs"], counts["pairs"]) == (4, 4, 2)


def test_item_dataset_refuses_parts_without_pairs() -> None:
    dataset = basket_dataset(BASKETS, 4)
    with pytest.raises(BadData, match="left in the train part: of 3 baskets 4 pairs are in fewer than 9"):
        pair_baskets(ANY.model_copy(update={"min_count": 9}), dataset, halves(dataset))


def test_synthetic_pairs_and_subsampling_change_training_alone() -> None:
    dataset = basket_dataset([[0, 1]] * 6 + [[2, 3], [0, 1]], 4)
    titles = ["red bag", "tin", "red bag", "lamp"]
    dataset = type(dataset)(
        type(dataset.items)(dataset.items.table.append_column("title", [titles]), "items.csv"),
        *(getattr(dataset, name) for name in ("queries", "interactions", "relations", "judgements", "report")),
    )
    plain, split = pair_baskets(ANY, dataset, halves(dataset))
    more = ANY.model_copy(update={"synthetic": SyntheticPairsConfig(column="title"), "subsample": 0.125})
    found, found_split = pair_baskets(more, dataset, halves(dataset))
    count = plain.interactions.weight_N[split.train_N][0]  # type: ignore[index]
    trained = pairs_of(found, found_split.train_N)
    assert trained[0, 1] == count * 0.25  # half of all occurrences each: sqrt(.125 / .5) twice
    assert trained[2, 1] == int(count / 2) * 0.5  # 2 is as 0, and never occurred, so only 1 weighs less
    assert pairs_of(found, found_split.test_N) == pairs_of(plain, split.test_N)


def write(folder: Path, relations: str) -> DataConfig:
    (folder / "items.csv").write_text("item_id,title\na,Apple\nb,Ball\nc,Cup\n")
    (folder / "relations.csv").write_text(relations)
    return DataConfig.model_validate(
        {"items": "items.csv", "relations": "relations.csv", "pairs": {"source": "relations"}}
    )


def test_stated_relations_split_by_their_column(tmp_path: Path) -> None:
    config = write(tmp_path, "item_id,related_id,relation,split\na,b,x,train\nb,c,x,test\nb,b,x,test\n")
    dataset = read_related_items(config, RelationPairsConfig(), tmp_path, ())
    split = ColumnSplit().split(dataset)
    assert dataset.interactions.query_N.tolist() == [0, 1]
    assert dataset.interactions.item_N.tolist() == [1, 2]
    assert (split.train_N.tolist(), split.test_N.tolist()) == ([0], [1])
    assert dataset.report.as_dict()["dropped_self_pairs"] == 1


def test_an_item_is_never_its_own_answer() -> None:
    dataset = basket_dataset(BASKETS, 4)
    found, split = pair_baskets(ANY, dataset, halves(dataset))
    config = planted_config()
    learned = Learner(
        config.model_copy(update={"trainer": config.trainer.model_copy(update={"epochs": 0})}),
        found,
        split,
        NoProgress(),
    )
    queries = evaluation_queries(found, split.train_N, split.test_N, learned.learn().features.query)
    itself_NN = np.eye(4, dtype=np.float32)
    ranking = rank(lambda rows: itself_NN[queries.query_rows_Q[rows]], queries, (1,), exclude_seen=False)
    assert ranking.metrics()["queries"] == 4
    assert (ranking.ranks_V <= 3).all()  # of three candidates, though the item itself scores best


def test_in_a_planted_shop_in_out_finds_what_goes_together_and_in_in_what_is_alike() -> None:
    """Dossier oracle of "Two Is Better Than One": mattresses sell with sheets, never with mattresses."""
    config = planted_config()
    dataset = basket_dataset(planted_baskets(), 2 * N_KINDS)
    found, split = pair_baskets(config.data.pairs, dataset, config.split.split(dataset))  # type: ignore[arg-type]
    learned = Learner(config, found, split, NoProgress()).learn()
    everything, cpu = np.arange(2 * N_KINDS), torch.device("cpu")
    in_ND = embed(learned.model.query, encode_queries(found, everything, learned.features.query, None, None), cpu)
    out_ND = embed(learned.model.item, learned.items, cpu)
    for rows, goes_with in ((everything[:N_KINDS], everything[N_KINDS:]), (everything[N_KINDS:], everything[:N_KINDS])):
        complementary = dot_score(in_ND, out_ND)(rows)
        similar = dot_score(in_ND, in_ND)(rows)
        for scores in (complementary, similar):
            scores[np.arange(N_KINDS), rows] = -np.inf
        assert np.isin(complementary.argmax(1), goes_with).all()
        assert np.isin(similar.argmax(1), rows).all()
