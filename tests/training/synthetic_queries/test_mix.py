from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bundle.config import validate_config
from bundle.errors import ConfigError, InvalidTable
from bundle.progress import NoProgress
from bundle.tokens import TextTokenizer
from bundle.workspace import Workspace
from tests.training.small_data import small_dataset
from tests.training.synthetic_queries.world import PARTS, QUERIES, TITLES, pair, small_world
from tests.training.tiny_model import tokenizer_json
from training.config import TrainConfig
from training.dataset import Dataset
from training.errors import BadData
from training.examples import ExampleConfig, build_examples
from training.fit_features import fit_featurizers
from training.histories import Timelines
from training.known import KnownPositives
from training.run import train
from training.splits import ColumnSplit, TimeSplit
from training.synthetic_queries.mix import ID_PREFIX, MixConfig, Mixed, MixReport, add_pairs, mix
from training.synthetic_queries.pairs import Pair, write_pairs

PAIRS = [pair(4, "merino wool"), pair(0, "bulb"), pair(5, "brass ring"), pair(4, "Bulb"), pair(4, "wash by hand")]


def test_pairs_are_rows_behind_the_real_ones_and_train_only() -> None:
    dataset, split = small_world()
    mixed = add_pairs(dataset, split, PAIRS, "text")
    data = mixed.dataset.interactions
    assert data.query_N.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 7, 9]  # "bulb" and "Bulb" are one query
    assert data.item_N.tolist() == [0, 1, 2, 3, 4, 5, 4, 0, 5, 4, 4]
    assert mixed.split.train_N.tolist() == [0, 1, 2, 3, 6, 7, 8, 9, 10]
    assert mixed.split.validation_N.tolist() == [4] and mixed.split.test_N.tolist() == [5]
    assert mixed.dataset.query_ids[6:] == [f"{ID_PREFIX}{n}" for n in range(4)]
    texts = mixed.dataset.queries.records(["text"], np.arange(10))
    assert [r["text"] for r in texts] == [*QUERIES, "merino wool", "bulb", "brass ring", "wash by hand"]
    assert data.split_N is not None and data.split_N.tolist() == [*PARTS, *["train"] * 5]
    assert data.table["query_id"].to_pylist()[6:] == [mixed.dataset.query_ids[row] for row in data.query_N[6:]]
    assert (mixed.report.pairs, mixed.report.queries) == (5, 4)
    # The split, made anew from the mixed dataset, is the same: the column says train.
    again = ColumnSplit().split(mixed.dataset)
    assert again.train_N.tolist() == mixed.split.train_N.tolist()


def test_what_came_in_is_left_as_it_was() -> None:
    dataset, split = small_world()
    before = dataset.interactions.table, dataset.queries.table, split.train_N.copy()
    add_pairs(dataset, split, PAIRS, "text")
    assert (dataset.interactions.table, dataset.queries.table) == before[:2]
    assert split.train_N.tolist() == before[2].tolist() and len(dataset.query_ids) == 6


def test_real_queries_keep_their_histories_and_known_positives() -> None:
    pairs = [(row % 3, row % 6) for row in range(18)]
    dataset = small_dataset(
        pairs, seconds=list(range(18)), query_columns={"text": QUERIES[:3]}, item_columns={"title": TITLES}
    )
    split = TimeSplit(validation_from=0.6, test_from=0.8).split(dataset)
    made = [pair(row % 6, f"words {row}") for row in range(20)]
    mixed = add_pairs(dataset, split, made, "text", merge=False)
    for of, rows, its in ((dataset, split.train_N, split), (mixed.dataset, mixed.split.train_N, mixed.split)):
        assert its.test_N.tolist() == split.test_N.tolist()
        timelines = Timelines.of(of.interactions, rows, len(of.query_ids))
        known = KnownPositives.from_interactions(
            of.interactions.query_N[rows], of.interactions.item_N[rows], len(of.query_ids)
        )
        targets = its.test_N
        ends = timelines.ends_before(targets, "order")
        found = timelines.histories(of.interactions.query_N[targets], ends)
        if of is dataset:
            expected = found.values_V.tolist(), [known.of(row).tolist() for row in range(3)]
    assert (found.values_V.tolist(), [known.of(row).tolist() for row in range(3)]) == expected
    # No synthetic example has a history, also where a text was made for two items.
    new = mixed.split.train_N[mixed.split.train_N >= 18]
    ends = timelines.ends_before(new, "order")
    assert (ends == timelines.start_Q[mixed.dataset.interactions.query_N[new]]).all()


def test_a_pair_counts_like_a_real_one_where_the_table_has_more_columns() -> None:
    dataset = small_dataset(
        [(0, 0), (1, 1), (2, 2)],
        seconds=[50, 70, 90],
        weights=[2.0, 4.0, 100.0],
        query_columns={"text": QUERIES[:3], "land": ["fr", "de", None]},
        item_columns={"title": TITLES[:3]},
    )
    grades = pa.array([1.0, 3.0, 9.0])
    table = dataset.interactions.table.append_column("grade", grades).append_column("device", pa.array(["a", "b", "c"]))
    interactions = type(dataset.interactions).from_table(
        table, dataset.interactions.query_N, dataset.interactions.item_N
    )
    dataset = replace(dataset, interactions=interactions)
    split = TimeSplit(validation_from=None, test_from="1970-01-01T00:01:20").split(dataset)
    mixed = add_pairs(dataset, split, [pair(2, "teak")], "text")
    row = mixed.dataset.interactions.table.slice(3).to_pylist()[0]
    assert (row["weight"], row["grade"], row["device"], row["timestamp"].timestamp()) == (3.0, 1.0, None, 50)
    assert (
        mixed.dataset.interactions.timestamp_N is not None and mixed.dataset.interactions.timestamp_N[3] == 50_000_000
    )
    assert mixed.dataset.queries.records(["land", "text"], np.array([3])) == [{"land": None, "text": "teak"}]
    # A pair stands before every boundary, so the split is the same again.
    again = TimeSplit(validation_from=None, test_from="1970-01-01T00:01:20").split(mixed.dataset)
    assert again.test_N.tolist() == split.test_N.tolist()


def test_leaks_are_dropped_whoever_made_the_table() -> None:
    dataset, split = small_world()
    made = [pair(4, "Warm scarf."), pair(0, "loud bike bell"), pair(5, "brass bell"), pair(5, "brass bell!")]
    mixed = add_pairs(dataset, split, made, "text")
    assert mixed.dataset.query_ids[6:] == [f"{ID_PREFIX}0"]
    assert (mixed.report.leak_text, mixed.report.repeats, mixed.report.pairs) == (2, 1, 1)
    held = {(5, "loud bike bell"), (4, "warm scarf")}
    data, texts = mixed.dataset.interactions, mixed.dataset.queries.records(["text"], np.arange(7))
    trained = {(int(data.item_N[r]), texts[int(data.query_N[r])]["text"]) for r in mixed.split.train_N}
    assert not held & trained
    with pytest.raises(BadData, match="nothing to mix in: 0 of 1 synthetic pairs .* 1 leaks"):
        add_pairs(dataset, split, made[:1], "text")


@pytest.mark.parametrize(("ratio", "pairs"), [(0.5, 2), (1.0, 4), (1.6, 6), (None, 18), (9.0, 18)])
def test_the_ratio_counts_real_training_pairs_and_spreads_over_items(ratio: float | None, pairs: int) -> None:
    dataset, split = small_world()
    made = [pair(row, f"words {row} {n}") for row in range(6) for n in range(3)]
    mixed = add_pairs(dataset, split, made, "text", ratio=ratio, seed=3)
    assert (mixed.report.pairs, mixed.report.beyond_ratio) == (pairs, 18 - pairs)
    items = mixed.dataset.interactions.item_N[6:]
    assert np.bincount(items, minlength=6).max() - np.bincount(items, minlength=6).min() <= 1
    same = add_pairs(dataset, split, made, "text", ratio=ratio, seed=3)
    assert same.dataset.queries.table == mixed.dataset.queries.table
    other = add_pairs(dataset, split, made, "text", ratio=ratio, seed=4)
    assert pairs == 18 or other.dataset.queries.table != mixed.dataset.queries.table


def test_merged_texts_are_one_example_with_several_positives() -> None:
    dataset, split = small_world()
    features = [{"kind": "text", "name": "text"}]
    spec = _settings(features={"query": features, "item": [{"kind": "text", "name": "title"}]}).features
    for kind, merge, lengths in (("query", True, [1] * 4 + [1, 2, 1, 1]), ("interaction", False, [1] * 9)):
        mixed = add_pairs(dataset, split, PAIRS, "text", merge=merge)
        fitted = fit_featurizers(spec, mixed.dataset, mixed.split.train_N)
        config = ExampleConfig.model_validate({"kind": kind})
        examples = build_examples(mixed.dataset, mixed.split.train_N, config, fitted.query)
        assert examples.targets.lengths.tolist() == lengths
        assert len(np.unique(mixed.dataset.interactions.query_N[6:])) == (4 if merge else 5)


def test_a_table_is_read_and_its_faults_are_named(tmp_path: Path) -> None:
    dataset, split = small_world()
    write_pairs(tmp_path / "s.parquet", [*PAIRS, Pair("gone", "x", "g", "k", "h")], {})
    features = _settings().features.query
    config = MixConfig(path=Path("s.parquet"), ratio=1)

    def run(of: Dataset, drop_unknown: bool) -> MixReport:
        return mix(config, tmp_path, of, split, features, with_history=False, drop_unknown=drop_unknown, seed=0).report

    report = run(dataset, True)
    assert (report.read, report.unknown_item, report.pairs, report.beyond_ratio) == (6, 1, 4, 1)
    assert "4 of 6 synthetic pairs as" in report.summary()
    with pytest.raises(InvalidTable, match=r"row 6, column 'item_id': 'gone'"):
        run(dataset, False)
    with pytest.raises(ConfigError, match="gives queries only: query_id"):
        run(small_dataset([(0, 0)] * 6, n_items=6), True)
    taken = replace(dataset.queries, query_ids=[f"{ID_PREFIX}0", *dataset.query_ids[1:]])
    with pytest.raises(BadData, match="has a query 'synthetic-query-0'"):
        run(replace(dataset, queries=taken), True)


@pytest.mark.parametrize("kind", ["text", "tokens"])
def test_texts_without_a_word_are_dropped_and_counted(tmp_path: Path, kind: str) -> None:
    """They would else end training with an error that names a row of the queries' own table."""
    dataset, split = small_world()
    write_pairs(tmp_path / "s.parquet", [pair(0, "\u200b"), *PAIRS, pair(1, "\u200d \u200d")], {})
    model = {"model": "tiny"} if kind == "tokens" else {}
    spec = {
        "features": {"query": [{"kind": kind, "name": "text", **model}], "item": [{"kind": "text", "name": "title"}]}
    }
    features = _settings(**spec, pretrained={"tiny": {"path": "."}}).features
    tokenizers = {"tiny": TextTokenizer(tokenizer_json(), "tiny")}

    def run(name: str) -> Mixed:
        config = MixConfig(path=Path(name))
        return mix(
            config,
            tmp_path,
            dataset,
            split,
            features.query,
            with_history=False,
            drop_unknown=False,
            seed=0,
            tokenizers=tokenizers,
        )

    mixed = run("s.parquet")
    assert (mixed.report.read, mixed.report.no_word, mixed.report.pairs) == (7, 2, 5)
    assert "2 without a word" in mixed.report.summary()
    rows = np.arange(len(mixed.dataset.query_ids))
    fitted = fit_featurizers(features, mixed.dataset, mixed.split.train_N, tokenizers)
    assert len(fitted.query.encode(mixed.dataset.queries.records(["text"], rows))) == len(rows)
    write_pairs(tmp_path / "none.parquet", [pair(0, "\u200b")], {})
    with pytest.raises(BadData, match=r"none\.parquet has no text that the query feature 'text' can read"):
        run("none.parquet")


def _settings(**changes: object) -> TrainConfig:
    settings = {
        "collection": "texts",
        "data": {"items": "items.parquet", "interactions": "pairs.parquet", "queries": "queries.parquet"},
        "split": {"kind": "column"},
        "features": {
            "query": [{"kind": "text", "name": "text", "buckets": 4000}],
            "item": [{"kind": "text", "name": "title", "buckets": 4000}],
        },
        "dimension": 8,
        "trainer": {"epochs": 60, "batch_size": 8, "learning_rate": 0.02, "metric": "mrr"},
        "evaluation": {"ks": [2], "exclude_seen": False},
        **changes,
    }
    return validate_config(TrainConfig, settings, "test")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"examples": {"min_history": 1}}, "examples.min_history = 1 leaves out every one"),
        ({"synthetic_queries": {"path": "s", "feature": "title"}}, "'title' is none of them"),
        (
            {
                "features": {
                    "query": [{"kind": "category", "name": "query_id"}],
                    "item": [{"kind": "text", "name": "title"}],
                }
            },
            r"need a text feature of the query tower \(it has: none\)",
        ),
        (
            {
                "features": {
                    "query": [{"kind": "text", "name": "a"}, {"kind": "text", "name": "b"}],
                    "item": [{"kind": "text", "name": "title"}],
                }
            },
            "it has: a, b.*name one in synthetic_queries.feature",
        ),
        (
            {
                "features": {
                    "query": [{"kind": "text", "name": "a"}, {"kind": "number", "name": "age", "required": True}],
                    "item": [{"kind": "text", "name": "title"}],
                }
            },
            "requires age too; set required = false",
        ),
    ],
)
def test_a_run_that_cannot_use_them_is_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        _settings(**{"synthetic_queries": {"path": "s.parquet"}, **changes})


def test_a_run_learns_from_them_and_its_baselines_do_not(tmp_path: Path) -> None:
    """The words of the test queries stand in synthetic pairs alone, and the popular items would be theirs."""
    rows = range(24)
    words = [f"{'alpha' if row < 12 else 'beta'}{row:02d}" for row in rows]
    dataset = small_dataset(
        [(row, row) for row in rows],
        splits=["train" if row < 12 else "test" for row in rows],
        query_columns={"text": [f"{word} now" for word in words]},
        item_columns={"title": [f"thing {row * 7919 % 1000}" for row in rows]},
    )
    pq.write_table(dataset.items.table, tmp_path / "items.parquet")
    pq.write_table(dataset.queries.table, tmp_path / "queries.parquet")
    pq.write_table(dataset.interactions.table, tmp_path / "pairs.parquet")
    made = [pair(row, text) for row in rows[12:] for text in (f"{words[row]} cheap", f"buy {words[row]}")]
    write_pairs(tmp_path / "s.parquet", made, {})
    config = _settings(synthetic_queries={"path": "s.parquet"})
    collection = Workspace(tmp_path / "workspace").collection("texts")
    metrics = train(config, tmp_path, collection, progress=NoProgress()).metrics
    assert metrics["model"]["mrr"] > 0.5  # chance is 0.16
    for baseline in ("popularity", "item_knn"):
        assert metrics[baseline]["mrr"] < 0.1, baseline
    with pytest.raises(InvalidTable, match=r"nowhere\.parquet does not exist"):
        broken = _settings(synthetic_queries={"path": "nowhere.parquet"})
        train(broken, tmp_path, collection, progress=NoProgress())
