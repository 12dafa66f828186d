import json
from pathlib import Path
from typing import Any

import pytest

from bundle.progress import NoProgress
from bundle.workspace import Workspace
from cli.main import execute
from evaluation.trec import read_qrels, read_run
from tests.training.world import shop_config, write_shop
from training.run import train


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ([], 2, "has no bundle; train one first"),
        (["--split", "train"], 2, "Invalid value for '--split'"),
        (["--bundle", "../../etc/passwd"], 2, "has no bundle; train one first"),
    ],
)
def test_bad_usage_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, says: str
) -> None:
    Workspace(tmp_path).collection("shop").folder.mkdir(parents=True)
    assert execute(["evaluate", "-c", "shop", "--data", ".", "-w", str(tmp_path), *arguments]) == code
    assert says in " ".join(capsys.readouterr().err.split())


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Tables, and two bundles with their first weights, the narrower one first."""
    root = write_shop(tmp_path_factory.mktemp("shop"))
    collection = Workspace(root).collection("shop")
    ids = {side: [{"kind": "category", "name": f"{side}_id"}] for side in ("query", "item")}
    small: dict[str, Any] = {"features": ids, "examples": {"history_feature": None}, "quantizer": None}
    configs = [shop_config(dimension=width, trainer={"epochs": 0}, **small) for width in (4, 16)]
    return root, [train(config, root, collection, progress=NoProgress()).bundle_id for config in configs]


def evaluate(root: Path, *arguments: str) -> int:
    return execute(["evaluate", "-c", "shop", "--data", str(root), "-w", str(root), *arguments])


def test_a_bundle_is_measured_with_intervals_and_written_for_other_tools(
    shop: tuple[Path, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, (_, bundle) = shop
    files = ["--run", str(tmp_path / "b.run"), "--qrels", str(tmp_path / "q.txt"), "--depth", "7"]
    assert evaluate(root, "--bundle", bundle, *files, "--json", "--level", "0.8") == 0
    told = capsys.readouterr()
    answer = json.loads(told.out)
    interval = answer["intervals"]["model"]["ndcg@10"]
    assert interval["low"] < interval["mean"] < interval["high"]
    assert interval["mean"] == pytest.approx(answer["metrics"]["model"]["ndcg@10"])
    values = [one["ndcg@10"] for one in answer["queries"].values()]
    assert sum(values) / len(values) == pytest.approx(interval["mean"])
    assert (answer["bundle_id"], answer["against"]) == (bundle, [])
    assert "80% intervals" in told.err
    run = read_run(tmp_path / "b.run")
    assert (run.name, len(run.scores), {len(one) for one in run.scores.values()}) == (bundle, 40, {7})
    assert set(read_qrels(tmp_path / "q.txt")) == set(run.scores)


def test_two_bundles_are_held_against_each_other(
    shop: tuple[Path, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, (narrow, wide) = shop
    page = tmp_path / "out.html"
    assert evaluate(root, "--bundle", wide, "--against", narrow, "--report", str(page), "--json") == 0
    told = capsys.readouterr()
    (against,) = json.loads(told.out)["against"]
    assert against["bundle_id"] == narrow
    first = against["results"][0]
    assert (first["metric"], first["wins"] + first["losses"] + first["ties"]) == ("ndcg@5", 40)
    assert f"{narrow} → {wide}" in told.err
    assert f"<b>right</b> {wide}" in page.read_text()
    assert json.loads(page.with_suffix(".json").read_text())["results"][0] == first


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--against", "SAME"], "a bundle against itself ties on every query"),
        (["--against", "OTHER", "--against", "OTHER"], "a bundle against itself"),
        (["--report", "x.html"], "give --against once"),
    ],
)
def test_a_comparison_that_makes_no_sense_is_bad_usage(
    shop: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    root, (other, same) = shop
    known = {"SAME": same, "OTHER": other}
    assert evaluate(root, "--bundle", same, *(known.get(one, one) for one in arguments)) == 2
    assert says in " ".join(capsys.readouterr().err.split())
