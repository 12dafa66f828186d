from pathlib import Path

import pytest

from bundle.config import validate_config
from bundle.errors import ConfigError, InvalidTable
from training.dataset import DataConfig, load_dataset

TABLES = {
    "items.csv": "item_id,title\nb,Ball\na,Apple\nc,Cup\n",
    "queries.csv": "query_id,country\nu,UK\nv,FR\nw,FR\n",
    "interactions.csv": "query_id,item_id,grade\nv,a,5\nu,c,1\nv,b,2\n",
    "relations.csv": "item_id,related_id,relation\na,b,co-purchase\nc,a,same-set\n",
    "judgements.csv": "query_id,item_id,score,source\nw,a,0.5,judge\n",
    "preferences.csv": "query_id,better_id,worse_id\nw,a,c\nw,c,a\n",
}


def write(folder: Path, **changes: str) -> DataConfig:
    for name, text in TABLES.items():
        (folder / name).write_text(changes.get(name.removesuffix(".csv"), text))
    return DataConfig(**{name.removesuffix(".csv"): Path(name) for name in TABLES})


def test_tables_are_joined_by_id(tmp_path: Path) -> None:
    dataset = load_dataset(write(tmp_path), tmp_path)
    assert dataset.interactions.query_N.tolist() == [1, 0, 1]
    assert dataset.interactions.item_N.tolist() == [1, 2, 0]
    assert dataset.relations is not None
    assert (dataset.relations.item_N.tolist(), dataset.relations.related_N.tolist()) == ([1, 2], [0, 1])
    assert dataset.relations.relation_N.tolist() == ["co-purchase", "same-set"]
    assert dataset.judgements is not None
    assert (dataset.judgements.query_N.tolist(), dataset.judgements.score_N.tolist()) == ([2], [0.5])
    assert dataset.preferences is not None
    assert (dataset.preferences.query_N.tolist(), dataset.preferences.better_N.tolist()) == ([2, 2], [1, 2])
    assert dataset.report.contradicting_preferences == 1
    assert dataset.report.as_dict() | {"items": 3, "queries": 3, "interactions": 3} == dataset.report.as_dict()


def test_without_a_queries_table_queries_come_in_order_of_appearance(tmp_path: Path) -> None:
    write(tmp_path)
    config = DataConfig(items=Path("items.csv"), interactions=Path("interactions.csv"))
    dataset = load_dataset(config, tmp_path)
    assert dataset.query_ids == ["v", "u"]
    assert dataset.interactions.query_N.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("table", "text", "message"),
    [
        ("interactions", "query_id,item_id\nv,a\nv,zzz\n", "interactions.csv row 2, column 'item_id': 'zzz'"),
        ("interactions", "query_id,item_id\nnobody,a\n", "interactions.csv row 1, column 'query_id': 'nobody'"),
        ("relations", "item_id,related_id,relation\na,zzz,x\n", "relations.csv row 1, column 'related_id': 'zzz'"),
        ("judgements", "query_id,item_id,score\nu,zzz,1\n", "judgements.csv row 1, column 'item_id': 'zzz'"),
        ("items", "item_id,title\na,x\nb,y\na,z\n", "items.csv row 3, column 'item_id': 'a'"),
        ("queries", "id,country\nu,UK\n", "queries.csv has no column 'query_id'"),
    ],
)
def test_a_fault_is_named_by_file_row_and_column(tmp_path: Path, table: str, text: str, message: str) -> None:
    with pytest.raises(InvalidTable) as caught:
        load_dataset(write(tmp_path, **{table: text}), tmp_path)
    assert message in caught.value.message


def test_unknown_ids_are_dropped_only_when_asked_and_then_counted(tmp_path: Path) -> None:
    config = write(
        tmp_path,
        interactions="query_id,item_id\nv,a\nv,zzz\nnobody,a\n",
        relations="item_id,related_id,relation\na,zzz,x\na,b,x\n",
        judgements="query_id,item_id,score\nu,zzz,1\nu,a,1\n",
    )
    dataset = load_dataset(config.model_copy(update={"drop_unknown": True}), tmp_path)
    report = dataset.report
    assert (report.interactions_read, report.interactions) == (3, 1)
    assert (report.dropped_unknown_query, report.dropped_unknown_item) == (1, 1)
    assert (report.dropped_relations, report.dropped_judgements) == (1, 1)
    assert dataset.relations is not None
    assert dataset.relations.related_N.tolist() == [0]


def test_grades_at_or_below_the_threshold_are_no_positives(tmp_path: Path) -> None:
    config = write(tmp_path).model_copy(update={"positive_above": 2.0})
    dataset = load_dataset(config, tmp_path)
    assert dataset.interactions.item_N.tolist() == [1]
    assert dataset.report.dropped_not_positive == 2


@pytest.mark.parametrize(
    "data", [{}, {"items": "a.csv"}, {"beir": "x", "items": "a.csv"}, {"items": "a", "interactions": "b", "extra": 1}]
)
def test_the_config_names_one_source(data: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        validate_config(DataConfig, data, "train.toml")
