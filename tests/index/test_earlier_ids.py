import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bundle.errors import ConfigError
from bundle.semantic_id import SemanticIdSpace
from bundle.workspace import Collection
from index.earlier_ids import find_continued
from index.errors import VersionCorrupt, VersionNotFound
from index.store import activate, read_version
from index.version import open_version
from tests.index.shop import build_shop, make_items
from tests.tiny import tiny_bundle

SPACE = SemanticIdSpace((4, 4))


def test_rows_are_aligned_by_item_id_and_new_items_are_unknown(own_shop: Collection) -> None:
    version = build_shop(own_shop)
    activate(own_shop, version)
    opened = open_version(own_shop, version)
    wanted = ["item-7", "nobody", "item-10"]
    found = find_continued(own_shop, "active", opened.bundle_id, SPACE, pa.chunked_array([wanted]))
    assert found.reason is None and found.ids is not None
    assert found.ids.version == version
    assert found.ids.is_known_N.tolist() == [True, False, True]
    stored = opened.semantic_ids(["item-7", "item-10"])
    assert stored is not None
    assert found.ids.key_N[[0, 2]].tolist() == SPACE.pack([list(one.codes) for one in stored]).tolist()
    assert found.ids.suffix_N[[0, 2]].tolist() == [one.suffix for one in stored]


def test_what_is_not_continued_says_why(own_shop: Collection) -> None:
    items = pa.chunked_array([["item-7"]])

    def reason(continues: str = "active", bundle_id: str = "b") -> str:
        found = find_continued(own_shop, continues, bundle_id, SPACE, items)
        assert found.ids is None and found.reason is not None
        return found.reason

    assert reason("none") == "the build was told to continue none"
    assert reason() == "no version was active"
    version = build_shop(own_shop)
    activate(own_shop, version)
    assert "was embedded by bundle" in reason()
    path = own_shop.index(version) / "semantic_ids.arrow"
    path.write_bytes(path.read_bytes()[:-1] + b"\x7f")
    assert "semantic_ids.arrow" in reason()
    with pytest.raises(VersionCorrupt, match="semantic_ids.arrow"):
        reason(version)
    with pytest.raises(VersionNotFound):
        reason("20200101T000000.000-00000000")


def test_a_version_of_other_codebook_sizes_cannot_be_continued(own_shop: Collection) -> None:
    version = build_shop(own_shop)
    with pytest.raises(ConfigError, match="no semantic IDs of 4x8 codes"):
        find_continued(own_shop, version, "b", SemanticIdSpace((4, 8)), pa.chunked_array([["item-7"]]))


def test_a_version_of_an_older_format_is_named_as_the_reason(own_shop: Collection) -> None:
    from index.manifest import write_manifest

    version = build_shop(own_shop)
    folder = own_shop.index(version)
    manifest = read_version(own_shop, version)
    stamp = version.rpartition("-")[0]
    old = write_manifest(folder, manifest.model_copy(update={"format_version": 1}), stamp)
    folder.rename(own_shop.index(old))
    assert json.loads((own_shop.index(old) / "manifest.json").read_text())["format_version"] == 1
    own_shop.current.write_text(f"{old}\n")
    found = find_continued(own_shop, "active", manifest.bundle_id, SPACE, pa.chunked_array([["item-7"]]))
    assert found.ids is None and found.reason is not None and "index format 1" in found.reason
    rebuilt = read_version(own_shop, build_shop(own_shop)).semantic_ids
    assert rebuilt is not None and "index format 1" in (rebuilt.resolution.continues_none_because or "")


@pytest.mark.parametrize("policy", ["suffix", "sinkhorn_last"])
def test_a_rebuild_with_more_items_keeps_every_id(own_shop: Collection, policy: str) -> None:
    collisions = {"policy": policy}
    tiny_bundle(own_shop, dimension=8, codebook_sizes=(4, 16), seed=3)
    first = build_shop(own_shop, collisions=collisions)
    activate(own_shop, first)
    root = own_shop.folder.parents[1]
    grown = pa.concat_tables([_read(root), _renamed(_read(root))])
    pq.write_table(grown, root / "items.parquet")
    second = build_shop(own_shop, collisions=collisions)
    old, new = open_version(own_shop, first), open_version(own_shop, second)
    ids = [f"item-{n}" for n in range(60)]
    assert new.semantic_ids(ids) == old.semantic_ids(ids)
    report = new.manifest.semantic_ids
    assert report is not None
    assert (report.resolution.continues, report.resolution.kept, report.resolution.changed) == (first, 60, 0)
    everyone = new.semantic_ids([*ids, *(f"a-{one}" for one in ids)])
    assert everyone is not None and len(set(everyone)) == 120
    make_items(root / "items.parquet", 60)
    assert open_version(own_shop, build_shop(own_shop, collisions=collisions)).semantic_ids(ids) == old.semantic_ids(
        ids
    )


def _read(root: object) -> pa.Table:
    return pq.read_table(f"{root}/items.parquet")


def _renamed(table: pa.Table) -> pa.Table:
    names = [f"a-{one}" for one in table["item_id"].to_pylist()]
    return table.set_column(table.column_names.index("item_id"), "item_id", pa.array(names))
