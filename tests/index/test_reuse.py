from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bundle.workspace import Collection
from index.reuse import KnownVectors, Reuse, Source, find_reuse
from tests.index.shop import build_shop
from tests.tiny import tiny_bundle

ITEM = Path()


def contents(*numbers: int) -> NDArray[np.uint8]:
    return np.array([[number] * 16 for number in numbers], dtype=np.uint8).reshape(-1, 16)


def vectors(*numbers: float) -> NDArray[np.float32]:
    return np.array([[number, -number] for number in numbers], dtype=np.float32)


def test_what_is_known_is_copied_by_content_and_the_rest_is_left() -> None:
    source = Source(contents(1, 2, 3), vectors(10, 20, 30))
    known = KnownVectors(contents(3, 9, 1, 3, 8), [source])
    into = vectors(0, 0, 0, 0, 0)
    assert known.copy_into(into).tolist() == [1, 4]
    assert into[:, 0].tolist() == [30, 0, 10, 30, 0]
    assert known.n_copied == 3


def test_the_first_source_wins() -> None:
    known = KnownVectors(contents(1, 2), [Source(contents(1), vectors(10)), Source(contents(1, 2), vectors(11, 22))])
    into = vectors(0, 0)
    assert known.copy_into(into).tolist() == []
    assert into[:, 0].tolist() == [10, 22]


def test_nothing_is_known_without_sources() -> None:
    assert KnownVectors(contents(1, 2)).copy_into(vectors(0, 0)).tolist() == [0, 1]


def test_kept_shards_are_found_again_by_role_and_forgotten(tmp_path: Path) -> None:
    reuse = Reuse(kept_shards=tmp_path / ".embedded-b")
    first = reuse.known(ITEM, contents(5, 6, 7))
    first.keep(np.array([0, 2]), vectors(50, 70))
    again = reuse.known(ITEM, contents(7, 6, 5))
    into = vectors(0, 0, 0)
    assert again.copy_into(into).tolist() == [1]
    assert into[:, 0].tolist() == [70, 0, 50]
    assert reuse.known(Path("in"), contents(7)).copy_into(vectors(0)).tolist() == [0]
    reuse.forget_shards()
    assert list(tmp_path.iterdir()) == []
    reuse.forget_shards()


@pytest.mark.parametrize("how", ["flip", "truncate", "rename"])
def test_a_damaged_shard_is_not_known(tmp_path: Path, how: str) -> None:
    reuse = Reuse(kept_shards=tmp_path / ".embedded-b")
    reuse.known(ITEM, contents(5)).keep(np.array([0]), vectors(50))
    (path,) = (tmp_path / ".embedded-b" / "item").iterdir()
    content = bytearray(path.read_bytes())
    if how == "rename":
        path.rename(path.with_name("0" * 64))
    else:
        content[-2] ^= 4
        path.write_bytes(content if how == "flip" else content[:-1])
    assert reuse.known(ITEM, contents(5)).copy_into(vectors(0)).tolist() == [0]


def test_versions_of_the_bundle_are_found_and_damaged_ones_named(own_shop: Collection) -> None:
    old = build_shop(own_shop)
    bundle_id = tiny_bundle(own_shop, dimension=8, seed=3)
    good, bad = build_shop(own_shop), build_shop(own_shop)
    (own_shop.index(bad) / "vectors.npy").write_bytes(b"x")
    reuse = find_reuse(own_shop, bundle_id, [good, bad, old, good])
    assert list(reuse.folders) == [own_shop.index(good)]
    assert len(reuse.unusable) == 1
    assert bad in reuse.unusable[0]
