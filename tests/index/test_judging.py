"""What is found is judged as the reranker scores it; what cannot be judged is refused."""

from pathlib import Path

import pyarrow.compute as pc
import pytest

from bundle.config import validate_config
from bundle.errors import ConfigError, InvalidTable
from bundle.progress import NoProgress
from bundle.workspace import Workspace
from index.build import build_index
from index.config import BuildConfig
from index.errors import LexicalNotServed
from index.judging import JudgeConfig, Judged, judge_found
from index.store import activate
from tests.cli.improvable import TITLES, improvable_shop
from tests.tiny import tiny_bundle

N = len(TITLES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    improvable_shop(folder)
    return folder


def judged(folder: Path, name: str = "shop", **changes: object) -> Judged:
    config = validate_config(JudgeConfig, {"queries": "queries.csv", "depth": 3, **changes}, "test")
    return judge_found(Workspace(folder / "workspace").collection(name), config, folder, NoProgress())


def by_hand(query_id: str, item_id: str) -> float:
    """The tiny reranker: shared words and the end of both, less a hundredth for each of the item's three tokens."""
    query, item = (set(TITLES[int(one[1:])].split()) for one in (query_id, item_id))
    return len(query & item) + 1 - 0.03


def test_every_found_pair_has_the_score_of_the_reranker(folder: Path) -> None:
    found = judged(folder)
    rows = found.table.to_pylist()
    assert (found.n_queries, len(rows)) == (N, 3 * N)
    assert len({(row["query_id"], row["item_id"]) for row in rows}) == 3 * N
    expected = [by_hand(row["query_id"], row["item_id"]) for row in rows]
    assert [row["score"] for row in rows] == pytest.approx(expected, abs=1e-6)
    assert {row["source"] for row in rows} == {found.bundle_id}


def test_positives_are_judged_whether_found_or_not(folder: Path) -> None:
    rows = judged(folder, interactions="interactions.csv", depth=1).table.to_pylist()
    assert {(f"q{n}", f"i{n}") for n in range(N)} <= {(row["query_id"], row["item_id"]) for row in rows}


def test_a_draw_of_queries_repeats_with_its_seed(folder: Path) -> None:
    first, again, other = (judged(folder, n_queries=5, seed=seed).table["query_id"] for seed in (1, 1, 2))
    assert pc.equal(first, again).to_pylist() == [True] * 15
    assert set(first.to_pylist()) != set(other.to_pylist())
    assert len(set(first.to_pylist())) == 5


def test_words_find_where_there_is_an_index_of_words(folder: Path) -> None:
    with pytest.raises(LexicalNotServed):
        judged(folder, first_stage="lexical")
    place = Workspace(folder / "workspace").collection("worded")
    tiny_bundle(place, reranker=True)
    config = {"collection": "worded", "items": "items.csv", "lexical": {"fields": ["title"]}}
    activate(place, build_index(place, validate_config(BuildConfig, config, "test"), base=folder))
    by_words = judged(folder, "worded", first_stage="lexical", depth=1).table.to_pylist()
    assert all(row["query_id"][1:] == row["item_id"][1:] for row in by_words)  # only its own has both words
    assert judged(folder, "worded", first_stage="hybrid").table.num_rows == 3 * N


def test_what_cannot_be_judged_is_refused(folder: Path) -> None:
    (folder / "twice.csv").write_text("query_id,title\nq0,red lamp\nq0,blue lamp\n")
    with pytest.raises(InvalidTable, match=r"row 2, column 'query_id': 'q0'"):
        judged(folder, queries="twice.csv")
    place = Workspace(folder / "workspace").collection("plain")
    tiny_bundle(place)
    config = {"collection": "plain", "items": "items.csv"}
    activate(place, build_index(place, validate_config(BuildConfig, config, "test"), base=folder))
    with pytest.raises(ConfigError, match="nobody can judge: bundle .* has no cross-encoder; train one"):
        judged(folder, "plain")
