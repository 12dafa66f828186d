import json
from pathlib import Path

import pytest

from bundle.workspace import Collection, Workspace
from cli.main import execute
from index.shadow import read_shadow
from tests.tiny import tiny_bundle


@pytest.fixture
def shop(tmp_path: Path) -> Collection:
    collection = Workspace(tmp_path / "workspace").collection("shop")
    tiny_bundle(collection)
    rows = "".join(f"i{n},lamp number {n},{n}.5\n" for n in range(50))
    (tmp_path / "items.csv").write_text("item_id,title,price\n" + rows)
    return collection


def _run(shop: Collection, *arguments: str) -> int:
    workspace = str(shop.folder.parents[1])
    return execute(["index", *arguments, "--collection", "shop", "--workspace", workspace])


def test_build_list_activate_roll_back_verify(
    shop: Collection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    items = str(tmp_path / "items.csv")
    assert _run(shop, "build", "--items", items, "--activate") == 0
    first = capsys.readouterr().out.strip()
    assert _run(shop, "build", "--items", items, "--set", "kind.kind=hnsw") == 0
    second = capsys.readouterr().out.strip()
    assert shop.current.read_text() == f"{first}\n"

    assert _run(shop, "activate", second) == 0
    assert _run(shop, "list", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["version"], row["active"], row["kind"]) for row in rows] == [
        (first, False, "flat"),
        (second, True, "hnsw"),
    ]
    for row in rows:
        assert row["bytes_mapped_for_search"] == (shop.index(row["version"]) / "index.faiss").stat().st_size
        assert row["bytes"] > row["bytes_mapped_for_search"] > row["bytes_in_ram"]
    assert [row["bytes_in_ram"] for row in rows] == [0, 50 * 12]  # what a graph keeps of each item beside the file
    assert _run(shop, "verify") == 0

    assert _run(shop, "rollback") == 0
    assert capsys.readouterr().out.strip() == first
    assert shop.current.read_text() == f"{first}\n"
    assert _run(shop, "rollback") == 1
    assert "no earlier index version" in capsys.readouterr().err


def test_a_version_is_tried_beside_the_active_one(
    shop: Collection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for activate in (["--activate"], []):
        assert _run(shop, "build", "--items", str(tmp_path / "items.csv"), *activate) == 0
    active, other = capsys.readouterr().out.split()
    assert _run(shop, "shadow", other, "--share", "0.25") == 0
    shadow = read_shadow(shop)
    assert shadow is not None and (shadow.version, shadow.share) == (other, 0.25)
    assert _run(shop, "shadow", active) == 1
    assert "is the active one" in capsys.readouterr().err
    assert _run(shop, "shadow") == _run(shop, "shadow", other, "--end") == 2
    assert _run(shop, "shadow", "--end") == 0
    assert read_shadow(shop) is None


def test_a_damaged_version_is_named_and_never_activated(
    shop: Collection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(shop, "build", "--items", str(tmp_path / "items.csv")) == 0
    version = capsys.readouterr().out.strip()
    path = shop.index(version) / "vectors.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"\x7f")
    for command in (["verify", version], ["activate", version]):
        assert _run(shop, *command) == 1
        assert "vectors.npy" in capsys.readouterr().err
    assert not shop.current.exists()


def test_both_relations_of_a_bundle_whose_queries_are_items_are_told(
    shop: Collection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(shop, "build", "--items", str(tmp_path / "items.csv")) == 0
    assert "index recall@10 1.0000\n" in capsys.readouterr().err
    tiny_bundle(shop, queries_are="items")
    assert _run(shop, "build", "--items", str(tmp_path / "items.csv")) == 0
    told = capsys.readouterr()
    version = told.out.strip()
    for relation in ("complementary", "similar"):
        assert f"index recall@10 1.0000 for {relation} items" in told.err
    assert _run(shop, "list", "--json") == 0
    one, two = json.loads(capsys.readouterr().out)
    assert (one["relations"], two["relations"]) == ({"similar": 1.0}, {"complementary": 1.0, "similar": 1.0})
    in_role = [path.stat().st_size for path in (shop.index(version) / "in").iterdir()]
    assert two["bytes"] > one["bytes"] + sum(in_role) - 1000 and len(in_role) == 3
    (shop.index(version) / "in" / "index.faiss").write_bytes(b"torn")
    assert _run(shop, "verify") == 1
    assert "in/index.faiss" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["build"], "give either --items or --config"),
        (["build", "--items", "nowhere.csv"], "nowhere.csv does not exist"),
        (["build", "--items", "{items}", "--set", "kind.kind=tree"], "does not match any of the expected tags"),
        (["build", "--items", "{items}", "--set", "speed=9"], "speed: Extra inputs are not permitted"),
        (["activate", "../../etc"], "is no index version name"),
    ],
)
def test_bad_input_exits_with_2(
    shop: Collection, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert _run(shop, *(a.replace("{items}", str(tmp_path / "items.csv")) for a in arguments)) == 2
    assert says in capsys.readouterr().err


def test_an_unknown_collection_lists_those_there(shop: Collection, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = str(shop.folder.parents[1])
    assert execute(["index", "list", "-c", "shoop", "-w", workspace]) == 2
    assert "no collection 'shoop'; it has: shop" in " ".join(capsys.readouterr().err.split())


def test_an_unreachable_recall_is_a_gate(
    shop: Collection, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from index.errors import RecallBelowTarget

    def refuse(*_: object, **__: object) -> str:
        raise RecallBelowTarget("index recall 0.5 is below the target 0.9")

    monkeypatch.setattr("index.build.build_index", refuse)
    assert _run(shop, "build", "--items", str(tmp_path / "items.csv")) == 3


def test_one_damaged_version_hides_no_other(
    shop: Collection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    versions = []
    for kind in ("flat", "hnsw", "ivf_flat"):
        items = str(tmp_path / "items.csv")
        assert _run(shop, "build", "--items", items, "--set", f"kind.kind={kind}") == 0
        versions.append(capsys.readouterr().out.strip())
    first, bad, worse = versions
    manifest, vectors = shop.index(bad) / "manifest.json", shop.index(worse) / "vectors.npy"
    manifest.write_text("{")
    vectors.write_bytes(vectors.read_bytes()[:-1] + b"\x7f")

    assert _run(shop, "list", "--json") == 1
    rows = {row["version"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(rows) == set(versions)
    assert "manifest.json is not JSON" in rows[bad]["corrupt"] and "corrupt" not in rows[first]
    assert _run(shop, "list") == 1
    shown = capsys.readouterr().err
    assert all(version in shown for version in versions)
    assert "corrupt" in next(line for line in shown.splitlines() if bad in line)

    assert _run(shop, "verify") == 1
    told = capsys.readouterr().err
    assert f"{first}: " in told and "files whole" in told
    assert "manifest.json is not JSON" in told and "vectors.npy" in told
