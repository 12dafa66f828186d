import shutil
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest
from numpy.typing import NDArray

from bundle.items import read_items
from bundle.store import open_bundle
from bundle.workspace import Collection
from index.device import CpuIndex
from index.errors import DeviceUnavailable
from index.manifest import Relation
from index.role import Role, write_faiss
from index.version import IndexVersion, open_version
from tests.index.shop import build_shop, make_shop

KINDS: list[dict[str, Any]] = [
    {"kind": "flat"},
    {"kind": "ivf_flat", "nlist": 8, "nprobe": 8},
    {"kind": "hnsw", "ef_search": 300},
    {"kind": "semantic_prefix", "depth": 2, "nprobe": 16},
]
FloatArray = NDArray[np.float32]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """A collection whose queries are items; only read by its tests."""
    return make_shop(tmp_path_factory.mktemp("pairs"), count=300, queries_are="items")


def _towers(collection: Collection, opened: IndexVersion) -> tuple[list[str], FloatArray, FloatArray]:
    """Item ids, and the embeddings of the items by the query tower and by the item tower."""
    items = read_items(collection.folder.parents[1] / "items.parquet")
    bundle = open_bundle(collection, opened.bundle_id)
    records = items.records(["title"])
    return items.item_ids, bundle.query.embed(records), bundle.item.embed(records)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind["kind"])
@pytest.mark.parametrize("mmap", [True, False])
def test_both_roles_answer_as_comparing_with_every_item_does(
    pairs: Collection, kind: dict[str, Any], mmap: bool
) -> None:
    opened = open_version(pairs, build_shop(pairs, kind=kind), mmap=mmap)
    item_ids, in_ND, out_ND = _towers(pairs, opened)
    asked = item_ids[:40]
    query_BD = opened.query_vectors(asked)
    np.testing.assert_allclose(query_BD, in_ND[:40], rtol=0, atol=1e-6)
    answers: dict[Relation, FloatArray] = {"complementary": out_ND, "similar": in_ND}
    for relation, vectors_ND in answers.items():
        exact_BN = in_ND[:40] @ vectors_ND.T
        hits = opened.search(query_BD, 10, relation=relation)
        best_BK = -np.sort(-exact_BN, axis=1)[:, :10]
        np.testing.assert_allclose(hits.scores_BK, best_BK, rtol=0, atol=1e-5)
        for b, ids in enumerate(hits.ids):
            own_K = exact_BN[b, [item_ids.index(item_id) for item_id in ids]]
            np.testing.assert_allclose(own_K, hits.scores_BK[b], rtol=0, atol=1e-5)
        np.testing.assert_allclose(opened.vectors(asked, relation), vectors_ND[:40], rtol=0, atol=1e-6)
        np.testing.assert_allclose(opened.scores(query_BD[3], item_ids, relation), exact_BN[3], rtol=0, atol=1e-6)
    assert np.abs(in_ND - out_ND).max() > 0.1  # or the two roles could be mistaken for each other


def test_what_the_towers_were_trained_for_is_meant_where_no_relation_is_given(pairs: Collection) -> None:
    opened = open_version(pairs, build_shop(pairs))
    query_BD = opened.query_vectors(["item-1", "item-2"])
    assert opened.search(query_BD, 5).ids == opened.search(query_BD, 5, relation="complementary").ids
    assert opened.search(query_BD, 5).ids != opened.search(query_BD, 5, relation="similar").ids
    np.testing.assert_array_equal(opened.vectors(["item-1"]), opened.vectors(["item-1"], "complementary"))


def test_a_role_that_does_not_fit_a_device_leaves_nothing_of_the_other_there(
    pairs: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed: list[CpuIndex] = []

    def place_one(index: Any, kind: Any, device: str) -> CpuIndex:
        if placed:
            raise DeviceUnavailable("full", device=device)
        placed.append(CpuIndex(index))
        return placed[0]

    version = build_shop(pairs)
    monkeypatch.setattr("index.role.place", place_one)
    with pytest.raises(DeviceUnavailable, match="full"):
        open_version(pairs, version)
    assert placed[0]._index is None


def test_a_role_is_read_from_its_own_folder(pairs: Collection, tmp_path: Path) -> None:
    version = build_shop(pairs)
    opened = open_version(pairs, version)
    before: dict[Relation, FloatArray] = {relation: _all(role) for relation, role in opened.roles.items()}
    other = make_shop(tmp_path, count=300, queries_are="items")
    shutil.copytree(pairs.index(version), other.index(version))
    for name in ("index.faiss", "vectors.npy"):
        shutil.copy(other.index(version) / name, other.index(version) / "in" / name)
    mixed = open_version(other, version, verify=False)
    np.testing.assert_array_equal(_all(mixed.roles["similar"]), before["complementary"])
    np.testing.assert_array_equal(_all(mixed.roles["complementary"]), before["complementary"])


def _all(role: Role) -> FloatArray:
    hits = role.searcher.search(np.eye(8, dtype=np.float32), 300)
    return np.concatenate([role.vectors_ND, hits.scores_BK.T])


def test_an_index_that_does_not_fit_on_the_disk_is_an_error(tmp_path: Path) -> None:
    index = faiss.IndexFlatIP(4)
    index.add(np.ones((3, 4), dtype=np.float32))  # less than a buffer: it reaches the disk when the file is closed
    with pytest.raises(OSError, match="No space left"):
        write_faiss(index, Path("/dev/full"))
    write_faiss(index, tmp_path / "index.faiss")
    faiss.write_index(index, str(tmp_path / "expected"))
    assert (tmp_path / "index.faiss").read_bytes() == (tmp_path / "expected").read_bytes()
