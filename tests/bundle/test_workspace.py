from pathlib import Path

import pytest

from bundle.errors import InvalidName
from bundle.workspace import Workspace


def test_paths_follow_the_design(tmp_path: Path) -> None:
    collection = Workspace(tmp_path).collection("shop")
    assert collection.bundle("abc") == tmp_path / "collections/shop/bundles/abc"
    assert collection.index("v1") == tmp_path / "collections/shop/indexes/v1"
    assert collection.current == tmp_path / "collections/shop/CURRENT"


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", ".hidden", "a b", "a\n", "x" * 129, "é"])
def test_no_path_can_be_smuggled_in_a_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidName):
        Workspace(tmp_path).collection(name)
    with pytest.raises(InvalidName):
        Workspace(tmp_path).collection("shop").bundle(name)


def test_collections_are_listed_by_name_without_half_written_ones(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert workspace.collections() == []
    for name in ("zoo", "alpha"):
        workspace.collection(name).folder.mkdir(parents=True)
    (tmp_path / "collections" / ".writing-x").mkdir()
    assert [collection.name for collection in workspace.collections()] == ["alpha", "zoo"]
