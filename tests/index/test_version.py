import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from bundle.errors import UnknownItem
from bundle.store import list_bundles
from bundle.workspace import Collection
from index.errors import (
    BundleMismatch,
    DeviceUnavailable,
    DimensionMismatch,
    NoActiveVersion,
    RelationNotServed,
    VersionClosed,
    VersionCorrupt,
    VersionNotFound,
)
from index.manifest import Relation
from index.store import activate
from index.version import IndexVersion, open_current, open_version
from tests.index.shop import build_shop
from tests.tiny import tiny_bundle


def test_an_answer_is_whole(opened: IndexVersion) -> None:
    hits = opened.search(opened.vectors(["item-7", "item-8"]), 5)
    assert [ids[0] for ids in hits.ids] == ["item-7", "item-8"]
    attributes = opened.attributes(["item-8", "item-7"])
    assert [record["price"] for record in attributes] == [2.0, 1.75]
    assert attributes[0]["listed_at"] == "2024-01-09T12:00:00+00:00"
    assert attributes[0].keys() == {"title", "price", "listed_at"}


def test_exact_scores_agree_with_the_hits(opened: IndexVersion) -> None:
    query_BD = opened.vectors(["item-3"])
    hits = opened.search(query_BD, 20)
    scores_M = opened.scores(3 * query_BD[0], hits.ids[0])
    assert scores_M.dtype == np.float32
    np.testing.assert_allclose(scores_M, hits.scores_BK[0], rtol=0, atol=1e-6)
    with pytest.raises(DimensionMismatch):
        opened.scores([1.0, 2.0], ["item-3"])


def test_semantic_ids_and_prefixes_agree(opened: IndexVersion) -> None:
    assert opened.prefix is not None
    semantic_ids = opened.semantic_ids(["item-1", "item-2"])
    assert semantic_ids is not None
    for item_id, semantic_id in zip(["item-1", "item-2"], semantic_ids, strict=True):
        assert opened.prefix.item(semantic_id) == item_id
        assert item_id in opened.prefix.item_ids(semantic_id.codes[:1], limit=300)
    assert sum(child.count for child in opened.prefix.children([])) == opened.count == 300


def test_unknown_items_are_named_everywhere(opened: IndexVersion) -> None:
    assert opened.contains("item-0")
    assert not opened.contains("item-300")
    asks: list[Callable[[list[str]], Any]] = [
        opened.vectors,
        opened.attributes,
        opened.semantic_ids,
        lambda item_ids: opened.scores([0.0] * 8, item_ids),
    ]
    for ask in asks:
        with pytest.raises(UnknownItem, match="item-300"):
            ask(["item-0", "item-300"])
        assert len(ask([])) == 0


def test_mapped_and_read_versions_answer_alike(shop: Collection, shop_version: str, opened: IndexVersion) -> None:
    read = open_version(shop, shop_version, mmap=False)
    query_BD = opened.vectors([f"item-{n}" for n in range(50)])
    assert read.search(query_BD, 10).ids == opened.search(query_BD, 10).ids
    assert read.attributes(["item-9"]) == opened.attributes(["item-9"])
    assert read.semantic_ids(["item-9"]) == opened.semantic_ids(["item-9"])


def test_opening_makes_no_object_for_any_item(shop: Collection, shop_version: str) -> None:
    gc.collect()
    before = len(gc.get_objects())
    opened = open_version(shop, shop_version)
    gc.collect()
    assert len(gc.get_objects()) - before < opened.count


def test_vectors_of_items_are_the_callers_own(opened: IndexVersion) -> None:
    first = opened.vectors(["item-0"])
    first[:] = 0
    assert opened.vectors(["item-0"]).any()


def test_another_bundle_than_the_one_that_embedded_is_refused(own_shop: Collection) -> None:
    version, own = build_shop(own_shop), list_bundles(own_shop)[0]
    other = tiny_bundle(own_shop, dimension=8, seed=9)
    assert open_version(own_shop, version, bundle_id=own).bundle_id == own
    with pytest.raises(BundleMismatch, match=f"{own}.*{other}") as caught:
        open_version(own_shop, version, bundle_id=other)
    assert caught.value.context["expected"] == own


def test_opening_checks_every_file_and_says_which_is_bad(own_shop: Collection) -> None:
    version = build_shop(own_shop)
    path = own_shop.index(version) / "vectors.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(VersionCorrupt, match=r"vectors\.npy"):
        open_version(own_shop, version)
    assert open_version(own_shop, version, verify=False).count == 60


def test_a_relation_that_was_not_trained_is_refused_and_says_what_to_train(opened: IndexVersion) -> None:
    query_BD = opened.query_vectors(["item-3"])
    np.testing.assert_array_equal(query_BD, opened.vectors(["item-3"]))
    assert opened.search(query_BD, 5, relation="similar").ids == opened.search(query_BD, 5).ids
    asks: list[Callable[[], Any]] = [
        lambda: opened.search(query_BD, 5, relation="complementary"),
        lambda: opened.vectors(["item-3"], "complementary"),
        lambda: opened.scores(query_BD[0], ["item-3"], "complementary"),
    ]
    for ask in asks:
        with pytest.raises(RelationNotServed, match=f"'{opened.bundle_id}'.*complementary.*train a bundle"):
            ask()


def test_closing_ends_the_searches_of_both_roles(own_pairs: Collection) -> None:
    opened = open_version(own_pairs, build_shop(own_pairs))
    query_BD = opened.query_vectors(["item-1"])
    opened.close()
    relations: tuple[Relation, ...] = ("similar", "complementary")
    for relation in relations:
        with pytest.raises(VersionClosed):
            opened.search(query_BD, 5, relation=relation)


def test_the_active_version_is_opened_or_its_absence_said(own_shop: Collection) -> None:
    with pytest.raises(NoActiveVersion, match="build one and activate it"):
        open_current(own_shop)
    version = build_shop(own_shop)
    activate(own_shop, version)
    assert open_current(own_shop).version == version
    own_shop.current.write_text("gone\n")
    with pytest.raises(VersionNotFound, match="gone"):
        open_current(own_shop)


def test_a_gpu_kind_is_checked_before_the_version_serves(own_shop: Collection) -> None:
    version = build_shop(own_shop, kind={"kind": "hnsw"})
    with pytest.raises(DeviceUnavailable, match="hnsw"):
        open_version(own_shop, version, device="cuda")


def test_a_version_closed_under_searches_fails_none_that_began(own_shop: Collection) -> None:
    opened = open_version(own_shop, build_shop(own_shop))
    query_BD = opened.vectors(["item-1"])
    expected = opened.search(query_BD, 5).ids

    def ask() -> bool:
        try:
            return opened.search(query_BD, 5).ids == expected
        except VersionClosed:
            return True

    with ThreadPoolExecutor(max_workers=8) as pool:
        answers = [pool.submit(ask) for _ in range(400)]
        opened.close()
        assert all(answer.result() for answer in answers)
    with pytest.raises(VersionClosed):
        opened.search(query_BD, 5)
