import json
from pathlib import Path

import numpy as np
import pytest

from bundle.tables import read_table
from bundle.workspace import Workspace
from cli.main import execute
from evaluation.judged.measure import rank_weights
from evaluation.rankings import Run
from evaluation.trec import write_run
from tests.evaluation.judged.worlds import World, world
from tests.service.tiny import make_collection


@pytest.fixture(scope="module")
def made() -> World:
    return world(0, n_queries=120)


@pytest.fixture
def files(made: World, tmp_path: Path) -> Path:
    """A folder with the run and the votes of a made-up world."""
    names = pairs(made)
    scores: dict[str, dict[str, float]] = {}
    for (query_id, item_id), rank in zip(names, made.rank_N.tolist(), strict=True):
        scores.setdefault(query_id, {})[item_id] = -float(rank)
    write_run(tmp_path / "a.run", Run("a", scores))
    rows = [
        f"{query_id},{item_id},judge-{j},{vote:g}"
        for (query_id, item_id), votes in zip(names, made.vote_NJ, strict=True)
        for j, vote in enumerate(votes)
    ]
    (tmp_path / "votes.csv").write_text("\n".join(["query_id,item_id,judge,score", *rows]) + "\n")
    return tmp_path


def pairs(made: World) -> list[tuple[str, str]]:
    return [(f"q{q}", f"d{n}") for n, q in enumerate(made.query_N.tolist())]


def label(made: World, drawn: Path, gold: Path) -> None:
    """Do what people do: add the grade of every drawn pair."""
    grade = dict(zip(pairs(made), made.gain_N.tolist(), strict=True))
    columns = {"query_id": "string", "item_id": "string", "probability": "float"}
    rows = read_table(drawn, columns).to_pylist()  # type: ignore[arg-type]
    lines = [f"{r['query_id']},{r['item_id']},{grade[r['query_id'], r['item_id']]},{r['probability']}" for r in rows]
    gold.write_text("\n".join(["query_id,item_id,grade,probability", *lines]) + "\n")


def test_draw_label_estimate_and_plan(made: World, files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, votes = ["--run", str(files / "a.run")], ["--votes", str(files / "votes.csv")]
    drawn, gold = files / "drawn.csv", files / "gold.csv"
    assert execute(["labels", "draw", *run, *votes, "--count", "300", "--out", str(drawn), "--seed", "5"]) == 0
    label(made, drawn, gold)
    labels = [*run, *votes, "--gold", str(gold)]
    capsys.readouterr()
    assert execute(["labels", "estimate", *labels, "--json", "--scope", "these_queries"]) == 0
    said = capsys.readouterr()
    result = json.loads(said.out)
    truth = (rank_weights("dcg", 10, made.rank_N) * made.gain_N).sum() / made.n_queries
    assert result["corrected"]["low"] <= truth <= result["corrected"]["high"]
    assert ("tends to be too narrow" in said.err) == (result["n_gold"] < 200)
    assert "the judges alone would say" in said.err and result["judges_alone"] > result["corrected"]["high"]
    assert execute(["labels", "plan", *labels, "--half-width", "0.3", "--json"]) == 0
    assert 20 <= json.loads(capsys.readouterr().out)["n_gold"] <= 1200
    assert execute(["labels", "plan", *labels, "--half-width", "0.001"]) == 0
    assert "out of reach with these queries" in capsys.readouterr().err
    again = files / "again.parquet"
    assert execute(["labels", "draw", *labels, "--count", "100", "--out", str(again)]) == 0
    assert again.exists() and f"give {again} alone" in capsys.readouterr().err


def test_labels_of_two_draws_put_together_are_refused(
    made: World, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, lines = ["--run", str(files / "a.run")], dict[str, str]()
    for seed in (5, 6):
        drawn, gold = files / "drawn.csv", files / "gold.csv"
        assert execute(["labels", "draw", *run, "--count", "300", "--out", str(drawn), "--seed", str(seed)]) == 0
        label(made, drawn, gold)
        lines |= {line.rsplit(",", 2)[0]: line for line in gold.read_text().splitlines()}
    gold.write_text("\n".join(lines.values()) + "\n")
    assert execute(["labels", "estimate", *run, "--gold", str(gold)]) == 2
    assert "do not join the tables of two draws" in capsys.readouterr().err


def test_a_run_held_against_itself_differs_by_nothing(
    made: World, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gold, run = files / "gold.csv", str(files / "a.run")
    rows = [f"{q},{i},{g},1" for (q, i), g in zip(pairs(made), made.gain_N, strict=True)]
    gold.write_text("\n".join(["query_id,item_id,grade,probability", *rows]) + "\n")
    assert execute(["labels", "estimate", "--run", run, "--against", run, "--gold", str(gold), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["corrected"]["value"] == 0
    recall = ["labels", "estimate", "--run", run, "--gold", str(gold), "--measure", "recall@3", "--json"]
    assert execute(recall) == 0
    found = made.gain_N[made.rank_N <= 3].sum() / made.gain_N.sum()
    assert json.loads(capsys.readouterr().out)["corrected"]["value"] == pytest.approx(found)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["estimate", "--measure", "ndcg@10"], "compare two runs by dcg@k"),
        (["estimate", "--measure", "recall@3", "--scope", "these_queries"], "hits@k"),
        (["plan", "--measure", "recall@3", "--half-width", "0.1"], "hits@k"),
        (["plan", "--half-width", "0"], "not above 0"),
        (["estimate"], "label at least 20"),
    ],
)
def test_what_cannot_be_said_is_refused(
    files: Path, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (files / "gold.csv").write_text("query_id,item_id,grade,probability\nq0,d0,1,0.5\n")
    command, *more = arguments
    given = ["--run", str(files / "a.run"), "--gold", str(files / "gold.csv")]
    assert execute(["labels", command, *given, *more]) == 2
    assert says in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_answers_are_merged_into_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(0)
    rows = [f"q,{item},{who},{'good' if item % 2 else 'bad'}" for item in range(40) for who in ("ann", "bob", "eve")]
    rows += [f"q,{item},dice,{random.choice(['good', 'bad'])}" for item in range(40)]
    (tmp_path / "answers.csv").write_text("\n".join(["query_id,item_id,annotator,answer", *rows]) + "\n")
    out = tmp_path / "merged.csv"
    assert execute(["labels", "merge", str(tmp_path / "answers.csv"), "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["reliability"]["ann"] > 0.9 > 0.5 > told["reliability"]["dice"]
    first = read_table(out, {"item_id": "string", "first": "string"})
    assert first["first"].to_pylist() == ["good" if int(i) % 2 else "bad" for i in first["item_id"].to_pylist()]


def test_pairs_to_learn_from_are_chosen_by_votes_and_vectors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_collection(Workspace(tmp_path).collection("shop"), tmp_path, count=5)
    write_run(tmp_path / "a.run", Run("a", {"q": {"a-00001": 3.0, "a-00002": 2.0, "a-00003": 1.0}}))
    rows = ["query_id,item_id,judge,score", "q,a-00001,m,1", "q,a-00001,n,1", "q,a-00003,m,0", "q,a-00003,n,1"]
    (tmp_path / "votes.csv").write_text("\n".join(rows) + "\n")
    files = [
        "--run",
        str(tmp_path / "a.run"),
        "--votes",
        str(tmp_path / "votes.csv"),
        "--out",
        str(tmp_path / "next.csv"),
    ]
    place = ["--workspace", str(tmp_path), "--collection", "shop"]
    assert execute(["labels", "choose", *place, *files, "--count", "2"]) == 0
    chosen = (tmp_path / "next.csv").read_text().split()
    assert len(chosen) == 3 and "a-00003" in chosen[1]
    write_run(tmp_path / "a.run", Run("a", {"q": {"unknown": 3.0, "a-00001": 2.0}}))
    assert execute(["labels", "choose", *place, *files, "--count", "2"]) == 2
    assert "unknown" in capsys.readouterr().err
