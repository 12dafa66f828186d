import json
from pathlib import Path

import pytest

from bundle.workspace import Collection, Workspace
from cli.main import execute
from index.build import build_index
from index.config import BuildConfig
from index.store import activate
from index.version import open_current
from tests.tiny import tiny_bundle


@pytest.fixture
def shop(tmp_path: Path) -> Collection:
    collection = Workspace(tmp_path / "workspace").collection("shop")
    tiny_bundle(collection)
    things = ("red lamp", "blue mug", "green chair", "old clock [new]")
    rows = "".join(f"i{n:02d},{things[n % 4]} {n}\n" for n in range(50))
    (tmp_path / "items.csv").write_text("item_id,title\n" + rows)
    config = BuildConfig(collection="shop", items=tmp_path / "items.csv")
    activate(collection, build_index(collection, config))
    return collection


def _browse(shop: Collection, *arguments: str) -> int:
    workspace = str(shop.folder.parents[1])
    return execute(["semantic-ids", "browse", "--collection", "shop", "--workspace", workspace, *arguments])


def test_the_tree_shows_counts_words_and_titles(shop: Collection, capsys: pytest.CaptureFixture[str]) -> None:
    opened = open_current(shop)
    assert opened.prefix is not None and opened.prefix_names is not None
    largest = max(opened.prefix.children([]), key=lambda child: (child.count, -child.code))
    name = opened.prefix_names.at([[largest.code]])[0]
    assert name is not None and name.words
    assert _browse(shop, "--depth", "1") == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert f"{largest.code}  {largest.count} items  {', '.join(name.words)}" in shown.err
    title = opened.attributes(name.items[:1])[0]["title"]
    assert f"{name.items[0]}  {title}" in shown.err


def test_width_counts_what_it_leaves_out(shop: Collection, capsys: pytest.CaptureFixture[str]) -> None:
    opened = open_current(shop)
    assert opened.prefix is not None
    counts = sorted(child.count for child in opened.prefix.children([]))
    assert _browse(shop, "--depth", "1", "--width", "1") == 0
    assert f"{len(counts) - 1} more with {sum(counts[:-1])} items" in capsys.readouterr().err


def test_json_holds_the_tree_below_a_prefix(shop: Collection, capsys: pytest.CaptureFixture[str]) -> None:
    opened = open_current(shop)
    assert opened.prefix is not None
    code = opened.prefix.children([])[0].code
    assert _browse(shop, "--prefix", str(code), "--json", "--version", opened.version) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["collection"], answer["index_version"]) == ("shop", opened.version)
    tree = answer["tree"]
    assert (tree["prefix"], tree["count"]) == ([code], opened.prefix.count([code]))
    assert {child["prefix"][1]: child["count"] for child in tree["children"]} == {
        child.code: child.count for child in opened.prefix.children([code])
    }


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--prefix", "x"], 2, "'x' is not a semantic ID"),
        (["--prefix", "9"], 2, "code 9 is outside 0..3"),
        (["--prefix", "1-1-1"], 2, "longer than the 2 levels"),
        (["--prefix", "1-1+1"], 2, "has a suffix"),
        (["--depth", "0"], 2, "--depth"),
        (["--version", "20200101T000000.000-00000000"], 1, "no index version"),
    ],
)
def test_wrong_asks_are_told(
    shop: Collection, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, says: str
) -> None:
    assert _browse(shop, *arguments) == code
    assert says in " ".join(capsys.readouterr().err.split())


def test_a_prefix_that_no_item_has_names_the_part_that_some_have(
    shop: Collection, capsys: pytest.CaptureFixture[str]
) -> None:
    prefix = open_current(shop).prefix
    assert prefix is not None
    nobody = [(a, b) for a in range(4) for b in range(4) if prefix.count([a]) and not prefix.count([a, b])]
    assert nobody
    a, b = nobody[0]
    assert _browse(shop, "--prefix", f"{a}-{b}") == 2
    said = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert f"no item lies below prefix '{a}-{b}'" in said and f"that items have is '{a}'" in said


def test_a_collection_without_semantic_ids_or_without_a_version_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    collection = Workspace(tmp_path / "workspace").collection("shop")
    tiny_bundle(collection, codebook_sizes=None)
    (tmp_path / "items.csv").write_text("item_id,title\na,red\nb,blue\n")
    assert _browse(collection) == 1
    assert "no active index version" in capsys.readouterr().err
    activate(collection, build_index(collection, BuildConfig(collection="shop", items=tmp_path / "items.csv")))
    assert _browse(collection) == 2
    assert "has no semantic IDs" in " ".join(capsys.readouterr().err.replace("│", " ").split())
