import json
import re
from pathlib import Path

import pytest

from cli.main import execute

TOML = """
collection = "shop"
dimension = 8
data = {items = "items.csv", interactions = "interactions.csv"}
split = {kind = "time", validation_from = 0.7, test_from = 0.85}
features.query = [{kind = "sequence", name = "history"}]
features.item = [{kind = "category", name = "item_id"}, {kind = "text", name = "title"}]
examples = {kind = "interaction", history_feature = "history"}
trainer = {epochs = 1, batch_size = 16}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    items = "".join(f"i{n},lamp number {n}\n" for n in range(12))
    (tmp_path / "items.csv").write_text("item_id,title\n" + items)
    rows = "".join(f"u{n % 7},i{n * 5 % 12},{1_000_000 + n}\n" for n in range(140))
    (tmp_path / "interactions.csv").write_text("query_id,item_id,timestamp\n" + rows)
    path = tmp_path / "train.toml"
    path.write_text(TOML)
    return path


def _train(config: Path, *arguments: str) -> int:
    return execute(["train", str(config), "--workspace", str(config.parent / "workspace"), *arguments])


def test_the_bundle_id_alone_is_on_stdout(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    overrides = ["--set", "evaluation.exclude_seen=false"]
    assert _train(config, *overrides) == 0
    captured = capsys.readouterr()
    bundle_id = captured.out.strip()
    assert (config.parent / "workspace/collections/shop/bundles" / bundle_id / "manifest.json").is_file()
    assert "popularity" in captured.err

    assert _train(config, *overrides, "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["bundle_id"] == bundle_id  # the same settings and tables are the same bundle
    assert 0 <= answer["metrics"]["model"]["recall@10"] <= 1

    folder = str(config.parent)
    workspace = str(config.parent / "workspace")
    assert execute(["evaluate", "-c", "shop", "--data", folder, "-w", workspace, "--json"]) == 0
    measured = json.loads(capsys.readouterr().out)["metrics"]["model"]["recall@10"]
    assert measured == pytest.approx(answer["metrics"]["model"]["recall@10"], abs=0.02)


@pytest.mark.parametrize(
    ("override", "code", "says"),
    [
        ("objective.kind=magic", 2, "objective"),
        ("trainer.epochs=-1", 2, "trainer.epochs"),
        ("data.items=nowhere.csv", 2, "nowhere.csv does not exist"),
        ("trainer.device=cuda", 1, "cuda"),
        ("quantizer={kind='residual', codebook_size=256}", 2, "12 items cannot train 256 codes"),
        ("features.item=[{kind='text', name='titel'}]", 2, "no column 'titel'"),
        ("split.test_from=0.6", 2, "test_from"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_left(
    config: Path, capsys: pytest.CaptureFixture[str], override: str, code: int, says: str
) -> None:
    assert _train(config, "--set", override) == code
    captured = capsys.readouterr()
    assert says in captured.err
    assert captured.out == ""
    assert list((config.parent / "workspace").glob("collections/shop/bundles/*")) == []


@pytest.mark.parametrize(
    ("table", "row", "says"),
    [
        ("items.csv", "i3,again", "row 13, column 'item_id': 'i3' stands in row 4 already"),
        ("items.csv", "i99,", "row 13, column 'title' is empty"),
        ("interactions.csv", "u1,i77,1000900", "row 141, column 'item_id'.*'i77'"),
        ("interactions.csv", "u1,,1000900", "row 141, column 'item_id' is missing"),
        ("interactions.csv", "u1,i1,soon", "row 141, column 'timestamp'.*soon"),
    ],
)
def test_a_bad_row_is_named_by_file_row_and_column(
    config: Path, capsys: pytest.CaptureFixture[str], table: str, row: str, says: str
) -> None:
    path = config.parent / table
    path.write_text(path.read_text() + row + "\n")
    assert _train(config) == 2
    message = " ".join(capsys.readouterr().err.split())
    assert re.search(rf"{re.escape(table)} {says}", message), message
