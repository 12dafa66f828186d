import json
from pathlib import Path

import numpy as np
import pytest

from cli.main import execute

HEAD = "item_id,position,reward,propensity,query_id"


def log_of(folder: Path) -> Path:
    """Item a earns .8 and b .2; both are shown half of the time."""
    random = np.random.default_rng(0)
    shown = random.choice(["a", "b"], 2000)
    reward = random.random(2000) < np.where(shown == "a", 0.8, 0.2)
    rows = [f"{item},1,{int(won)},0.5,q" for item, won in zip(shown, reward, strict=True)]
    path = folder / "log.csv"
    path.write_text("\n".join([HEAD, *rows]) + "\n")
    return path


def test_a_ranking_that_shows_the_better_item_is_found_to_earn_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = str(log_of(tmp_path))
    (tmp_path / "new.run").write_text("q Q0 a 1 2.0 new\nq Q0 b 2 1.0 new\n")
    (tmp_path / "policy.csv").write_text("item_id,position,probability\na,1,1.0\n")
    answers = []
    for option in (["--run", str(tmp_path / "new.run")], ["--policy", str(tmp_path / "policy.csv")]):
        assert execute(["off-policy", log, *option, "--json"]) == 0
        said = capsys.readouterr()
        answers.append(json.loads(said.out))
        assert "effective impressions" in said.err
    assert answers[0] == answers[1]
    estimates = answers[0]["estimates"]
    assert all(estimates[name]["low"] < 0.8 < estimates[name]["high"] for name in ("ips", "snips", "doubly-robust"))
    assert estimates["logged"]["high"] < 0.6


def test_it_takes_one_description_of_the_new_ranking(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["off-policy", str(log_of(tmp_path))]) == 2
    assert "--policy or --run" in capsys.readouterr().err
    (tmp_path / "policy.csv").write_text("item_id,position,probability\na,1,0.7\n")
    assert execute(["off-policy", str(log_of(tmp_path)), "--policy", str(tmp_path / "policy.csv")]) == 2
    assert "sum to 0.7" in capsys.readouterr().err
