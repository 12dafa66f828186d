import json
from pathlib import Path

import pytest

from bundle.workspace import Collection, Workspace
from cli.main import execute
from index.rebuild_lock import rebuild_lock
from index.store import current, list_versions
from tests.tiny import tiny_bundle


@pytest.fixture
def shop(tmp_path: Path) -> Collection:
    collection = Workspace(tmp_path / "workspace").collection("shop")
    tiny_bundle(collection)
    write_items(tmp_path, 50)
    (tmp_path / "rebuild.toml").write_text('collection = "shop"\nitems = "items.csv"\nkeep = 2\n')
    return collection


def write_items(folder: Path, count: int) -> None:
    rows = "".join(f"i{n},lamp number {n},{n}.5\n" for n in range(count))
    (folder / "items.csv").write_text("item_id,title,price\n" + rows)


def rebuild(shop: Collection, *arguments: str) -> int:
    workspace = shop.folder.parents[1]
    return execute(["index", "rebuild", str(workspace.parent / "rebuild.toml"), "-w", str(workspace), *arguments])


def test_a_rebuild_prints_the_version_and_tells_people_the_rest(
    shop: Collection, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rebuild(shop) == 0
    told = capsys.readouterr()
    assert told.out == f"{current(shop)}\n"
    assert "50 items, 50 embedded, 0 copied" in told.err
    assert "activated: Every gate let it pass" in told.err
    assert "time: " in told.err
    assert str(shop.folder / "rebuilds" / str(current(shop)) / "index.html") in told.err
    assert rebuild(shop) == 0
    assert "unchanged: " in capsys.readouterr().err
    assert rebuild(shop, "--force") == 0
    assert len(list_versions(shop)) == 2


def test_a_refusal_exits_with_3_and_the_active_version_stays(
    shop: Collection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rebuild(shop) == 0
    active = current(shop)
    write_items(tmp_path, 20)
    capsys.readouterr()
    assert rebuild(shop, "--json") == 3
    told = capsys.readouterr()
    report = json.loads(told.out)
    assert (report["outcome"], report["before"], report["n_embedded"]) == ("refused", active, 0)
    refused = [gate["gate"] for gate in report["gates"] if gate["outcome"] == "refused"]
    assert refused == ["count change"]
    assert "50 items before, 20 now" in told.err
    assert current(shop) == active
    assert rebuild(shop, "--set", "gates.max_count_change=0.7") == 0
    assert current(shop) == report["version"]


def test_two_jobs_never_meet(shop: Collection, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = str(shop.folder.parents[1])
    with rebuild_lock(shop, "tandem index rebuild"):
        assert rebuild(shop) == 1
        assert execute(["index", "gc", "-c", "shop", "-w", workspace]) == 1
    assert capsys.readouterr().err.count("is being rebuilt by `tandem index rebuild`") == 2


def test_a_bad_setting_or_collection_is_bad_usage(
    shop: Collection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rebuild(shop, "--set", "keep=1") == 2
    assert "keep" in capsys.readouterr().err
    assert rebuild(shop, "--set", "gates.typo=1") == 2
    assert rebuild(shop, "--set", "collection=other") == 2
    assert "no collection 'other'" in capsys.readouterr().err


def test_gc_says_what_it_would_remove_and_removes_it(shop: Collection, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(4):
        assert rebuild(shop, "--force", "--set", "keep=9") == 0
    (shop.indexes / ".writing-x").mkdir()
    oldest = list_versions(shop)[:2]
    workspace = str(shop.folder.parents[1])
    gc = ["index", "gc", "-c", "shop", "-w", workspace, "--keep", "2", "--json"]
    capsys.readouterr()
    assert execute([*gc, "--dry-run"]) == 0
    told = capsys.readouterr()
    answer = json.loads(told.out)
    assert (answer["versions"], answer["dry_run"]) == (oldest, True)
    assert f"would be removed: {oldest[0]}" in told.err
    assert len(list_versions(shop)) == 4
    assert execute(gc) == 0
    told = capsys.readouterr()
    assert json.loads(told.out) == {**answer, "dry_run": False}
    assert "2 versions and 3 leftovers removed" in told.err  # the folder, and the reports of both versions
    assert len(list_versions(shop)) == 2
