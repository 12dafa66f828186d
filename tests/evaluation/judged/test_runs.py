from pathlib import Path

import numpy as np
import pytest

from bundle.errors import InvalidTable
from evaluation.errors import NothingToMeasure, QueriesDiffer
from evaluation.judged.choice import ChoiceConfig
from evaluation.judged.measure import JudgedMeasure
from evaluation.judged.runs import JudgedRuns
from evaluation.judged.tables import pairs_of
from evaluation.rankings import Run
from evaluation.trec import write_run
from tests.evaluation.judged.worlds import world


def written(folder: Path, name: str, *rankings: str) -> Path:
    """A run file; the letters of each ranking are its items, best first."""
    scores = {f"q{q}": {item: -float(rank) for rank, item in enumerate(row)} for q, row in enumerate(rankings)}
    path = folder / f"{name}.run"
    write_run(path, Run(name, scores))
    return path


def test_a_difference_weighs_what_one_run_has_and_the_other_has_not(tmp_path: Path) -> None:
    one, other = written(tmp_path, "one", "abc", "ab"), written(tmp_path, "other", "bad", "ab")
    runs = JudgedRuns.read(one, other, None, None, JudgedMeasure.parse("precision@2"))
    weights = dict(zip(runs.pool.pairs, runs.weight_N.tolist(), strict=True))
    assert weights == {("q0", "a"): 0, ("q0", "b"): 0, ("q1", "a"): 0, ("q1", "b"): 0}
    deeper = JudgedRuns.read(one, other, None, None, JudgedMeasure.parse("dcg@3"))
    weights = dict(zip(deeper.pool.pairs, deeper.weight_N.tolist(), strict=True))
    assert weights["q0", "a"] == pytest.approx(1 - 1 / np.log2(3))
    assert weights["q0", "c"] == 0.5 == -weights["q0", "d"]


def test_recall_pools_whatever_was_judged_and_the_others_the_first_k_only(tmp_path: Path) -> None:
    run, gold = written(tmp_path, "one", "abc"), tmp_path / "gold.csv"
    gold.write_text("query_id,item_id,grade,probability\nq0,z,1,0.5\nq0,a,1,0.5\n")
    hits = JudgedRuns.read(run, None, None, gold, JudgedMeasure.parse("hits@2"))
    recall = JudgedRuns.read(run, None, None, gold, JudgedMeasure.parse("recall@2"))
    assert [item for _, item in hits.pool.pairs] == ["a", "b"]
    assert [item for _, item in recall.pool.pairs] == ["a", "b", "c", "z"]
    assert recall.weight_N.tolist() == [1, 1, 0, 0]


def test_a_draw_names_pairs_with_their_chance(tmp_path: Path) -> None:
    run = written(tmp_path, "one", "abcdefghij", "abcdefghij")
    runs = JudgedRuns.read(run, None, None, None, JudgedMeasure.parse("dcg@10"))
    drawn = runs.draw(20, seed=0)
    assert drawn.num_rows == 20 and set(drawn["probability"].to_pylist()) == {1.0}
    few = runs.draw(5, seed=0)
    assert few.column_names == ["query_id", "item_id", "probability"]
    chances = dict(zip(few["item_id"].to_pylist(), few["probability"].to_pylist(), strict=True))
    assert all(chances[a] > chances[b] for a in chances for b in chances if a < b)


def test_runs_of_other_queries_cannot_be_held_against_each_other(tmp_path: Path) -> None:
    one, other = written(tmp_path, "one", "ab"), written(tmp_path, "other", "ab", "ab")
    with pytest.raises(QueriesDiffer):
        JudgedRuns.read(one, other, None, None, JudgedMeasure.parse("dcg@3"))


def test_disputed_pairs_are_chosen_first_and_labelled_ones_never(tmp_path: Path) -> None:
    run, votes, gold = written(tmp_path, "one", "abc"), tmp_path / "votes.csv", tmp_path / "gold.csv"
    votes.write_text("query_id,item_id,judge,score\n" + "".join(f"q0,{i},{j},{v}\n" for i, j, v in VOTES))
    gold.write_text("query_id,item_id,grade,probability\nq0,b,1,0.5\n")
    runs = JudgedRuns.read(run, None, votes, gold, JudgedMeasure.parse("dcg@10"))
    chosen = runs.choose(np.eye(3), 5, ChoiceConfig())
    assert chosen == [("q0", "c"), ("q0", "a")]


def test_labels_without_a_chance_are_enough_to_choose_by(tmp_path: Path) -> None:
    run, labels = written(tmp_path, "one", "abc"), tmp_path / "labels.csv"
    labels.write_text("query_id,item_id,grade\nq0,b,1\n")
    measure = JudgedMeasure.parse("dcg@10")
    runs = JudgedRuns.read(run, None, None, labels, measure, is_drawn=False)
    assert runs.choose(np.eye(3), 5, ChoiceConfig()) == [("q0", "a"), ("q0", "c")]
    with pytest.raises(InvalidTable, match="no column 'probability'"):
        JudgedRuns.read(run, None, None, labels, measure)


def test_a_table_of_other_pairs_is_refused_by_name(tmp_path: Path) -> None:
    run, gold = written(tmp_path, "one", "abc"), tmp_path / "gold.csv"
    gold.write_text("query_id,item_id,grade,probability\nq0,z,1,0.5\n")
    with pytest.raises(NothingToMeasure, match=r"no pair of .*gold\.csv"):
        JudgedRuns.read(run, None, None, gold, JudgedMeasure.parse("dcg@10"))


def test_a_draw_after_labels_does_not_follow_the_numbers_of_the_first(tmp_path: Path) -> None:
    made, gold = world(0, n_queries=20), tmp_path / "gold.csv"
    run = written(tmp_path, "one", *["abcdefghij"] * 20)
    measure = JudgedMeasure.parse("precision@10")
    first = JudgedRuns.read(run, None, None, None, measure).draw(60, seed=0)
    rows = [(*pair, made.gain_N[n]) for n, pair in enumerate(pairs_of(first))]
    gold.write_text("query_id,item_id,grade,probability\n" + "".join(f"{q},{i},{g},0.3\n" for q, i, g in rows))
    second = JudgedRuns.read(run, None, None, gold, measure).draw(60, seed=0)
    # 60 of 200 in each: by chance about 18 are drawn twice, by the same numbers almost all
    assert len(set(pairs_of(first)) & set(pairs_of(second))) < 36


VOTES = [("a", "m", 1), ("a", "n", 1), ("b", "m", 0), ("b", "n", 1), ("c", "m", 0), ("c", "n", 0.5)]
