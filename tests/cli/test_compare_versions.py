import json
from pathlib import Path

import pytest

from bundle.workspace import Collection, Workspace
from cli.main import execute
from index.store import activate
from tests.index.shop import build_shop
from tests.tiny import tiny_bundle


@pytest.fixture
def shop(tmp_path: Path) -> Collection:
    collection = Workspace(tmp_path).collection("shop")
    tiny_bundle(collection)
    write_items(tmp_path, "lamp")
    (tmp_path / "queries.csv").write_text("query_id,title\n" + "".join(f"q{n},lamp number {n}\n" for n in range(20)))
    (tmp_path / "answers.csv").write_text(
        "query_id,item_id,grade,split\n"
        + "".join(f"q{n},i{n},{1 + n % 2},{'test' if n else 'dev'}\n" for n in range(20))
    )
    return collection


def write_items(folder: Path, word: str) -> None:
    rows = "".join(f"i{n},{word if n < 9 else 'lamp'} number {n}\n" for n in range(40))
    (folder / "items.csv").write_text("item_id,title\n" + rows)


def compare(shop: Collection, *arguments: str) -> int:
    root = shop.folder.parents[1]
    queries = ["--queries", str(root / "queries.csv")]
    return execute(["index", "compare", "-c", "shop", "-w", str(root), *queries, *arguments])


def two_versions(shop: Collection) -> tuple[str, str]:
    first = build_shop(shop, items="items.csv")
    activate(shop, first)
    write_items(shop.folder.parents[1], "chair")
    return first, build_shop(shop, items="items.csv")


def test_two_versions_side_by_side(shop: Collection, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = two_versions(shop)
    root = shop.folder.parents[1]
    answers = ["--answers", str(root / "answers.csv"), "--split", "test"]
    assert compare(shop, "--right", second, *answers, "--report", str(root / "out.html"), "--json", "--k", "5") == 0
    told = capsys.readouterr()
    found = json.loads(told.out)
    assert (found["left"]["name"], found["right"]["name"]) == (first, second)
    assert (found["n_queries"], found["k"], found["gain"]) == (19, 5, "exponential")
    assert found["results"][0]["losses"] == 8  # the renamed items 1 to 8; the query of item 0 is in another split
    assert "lamp number 1</h3>" in (root / "out.html").read_text()
    assert f"{first} → {second}" in told.err
    assert compare(shop, "--left", second, "--right", first, *answers) == 0
    assert "The right side is better" in capsys.readouterr().err


def test_without_answers_the_hits_are_compared(shop: Collection, capsys: pytest.CaptureFixture[str]) -> None:
    _, second = two_versions(shop)
    assert compare(shop, "--right", second, "--n-queries", "7", "--json") == 0
    told = capsys.readouterr()
    found = json.loads(told.out)
    assert (found["n_queries"], found["results"]) == (7, [])
    assert 0 < found["overlap"]["mean"] < 1
    assert "There are no grades" in told.err


def test_bad_usage_is_told(shop: Collection, capsys: pytest.CaptureFixture[str]) -> None:
    version = build_shop(shop, items="items.csv")
    assert compare(shop, "--right", version) == 2
    assert "no active version" in " ".join(capsys.readouterr().err.split())
    activate(shop, version)
    assert compare(shop, "--right", version) == 2
    assert "every query would tie; name two versions" in " ".join(capsys.readouterr().err.split())
    assert compare(shop, "--right", "nothing") == 1
    assert "nothing" in capsys.readouterr().err
