import json
import tomllib
from pathlib import Path

import pytest

from bundle.workspace import Workspace
from cli.main import execute
from tests.index.shop import build_shop, make_shop


@pytest.fixture
def config(tmp_path: Path) -> Path:
    build_shop(make_shop(tmp_path, count=200))
    path = tmp_path / "build.toml"
    path.write_text('collection = "shop"\nitems = "items.parquet"\ntarget_recall = 0.9\n')
    return path


def _run(config: Path, *arguments: str) -> int:
    place = ["--collection", "shop", "--workspace", str(config.parent)]
    return execute(["index", "tune", str(config), *arguments, *place])


def test_what_is_printed_can_be_appended_to_the_configuration_and_built(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(config, "--kind", "ivf_flat", "--report", str(config.parent / "tuning.html")) == 0
    captured = capsys.readouterr()
    assert "CPU µs/query" in captured.err and "recall" in captured.err
    config.write_text(config.read_text() + captured.out)
    section = tomllib.loads(config.read_text())["kind"]
    assert section["kind"] == "ivf_flat" and section["nprobe"] >= 1
    assert (config.parent / "tuning.html").read_text().count("<svg") == 1
    build = ["index", "build", "--config", str(config), "--collection", "shop", "--workspace", str(config.parent)]
    assert execute(build) == 0
    assert len(list(Workspace(config.parent).collection("shop").indexes.iterdir())) == 2
    assert _run(config, "--kind", "ivf_flat") == 0
    assert "has a kind already" in capsys.readouterr().err


def test_json_has_every_trial_and_the_choice(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(config, "--kind", "flat", "--kind", "ivf_sq8", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert {trial["kind"]["kind"] for trial in told["trials"]} == {"flat", "ivf_sq8"}
    assert told["chosen"]["index_recall"] >= told["target_recall"] == 0.9
    assert any(trial["is_on_front"] for trial in told["trials"])
    assert told["section"].startswith("[kind]\n")


def test_a_target_out_of_reach_is_a_gate_and_a_wrong_kind_is_bad_usage(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weak = [
        "--set",
        "kind.kind=hnsw",
        "--set",
        "kind.m=2",
        "--set",
        "kind.ef_construction=2",
        "--set",
        "kind.ef_search=1",
    ]
    assert _run(config, "--kind", "hnsw", "--set", "target_recall=1.0", *weak) == 3
    assert _run(config, "--kind", "tree") == 2
    assert "'tree' cannot be tuned" in capsys.readouterr().err
