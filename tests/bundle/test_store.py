import shutil
from pathlib import Path

import numpy as np
import orjson
import pytest

from bundle.errors import BundleCorrupt, BundleFormatUnsupported, BundleNotFound, ConfigError
from bundle.store import Bundle, list_bundles, open_bundle
from bundle.workspace import Collection, Workspace
from tests.tiny import tiny_bundle


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    return Workspace(tmp_path).collection("shop")


def _opened(collection: Collection, **options: object) -> Bundle:
    return open_bundle(collection, tiny_bundle(collection, **options))  # type: ignore[arg-type]


def test_an_opened_bundle_embeds_encodes_and_decodes(collection: Collection) -> None:
    bundle = _opened(collection)
    embedding_BD = bundle.query.embed([{"title": "red mug"}, {"title": "blue lamp"}])
    np.testing.assert_allclose(np.linalg.norm(embedding_BD, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(bundle.item.embed([{"title": "red mug"}]), embedding_BD[:1], atol=1e-6)
    assert bundle.semantic_ids is not None
    codes = bundle.semantic_ids.encode(embedding_BD)
    assert codes.shape == (2, 2)
    assert bundle.semantic_ids.decode(codes).shape == (2, 8)


def test_the_id_is_the_content(collection: Collection) -> None:
    first = tiny_bundle(collection)
    assert tiny_bundle(collection) == first
    assert tiny_bundle(collection, seed=1) != first
    assert len(list_bundles(collection)) == 2


def test_a_bundle_without_a_quantizer_opens(collection: Collection) -> None:
    assert _opened(collection, codebook_sizes=None).semantic_ids is None


def _files(collection: Collection) -> list[str]:
    folder = collection.bundle(tiny_bundle(collection))
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_a_flipped_byte_in_any_file_is_refused_by_name(collection: Collection) -> None:
    bundle_id = tiny_bundle(collection)
    names = _files(collection)
    assert len(names) == 7
    for name in names:
        path = collection.bundle(bundle_id) / name
        good = path.read_bytes()
        for place in (0, len(good) // 2, len(good) - 2):
            bad = bytearray(good)
            bad[place] ^= 0x01
            path.write_bytes(bad)
            with pytest.raises((BundleCorrupt, BundleFormatUnsupported), match=path.name):
                open_bundle(collection, bundle_id)
        path.write_bytes(good[:-1])
        with pytest.raises(BundleCorrupt, match=path.name):
            open_bundle(collection, bundle_id)
        path.unlink()
        with pytest.raises(BundleCorrupt, match=path.name):
            open_bundle(collection, bundle_id)
        path.write_bytes(good)
    assert open_bundle(collection, bundle_id).bundle_id == bundle_id


def test_bundles_from_before_queries_could_be_items_keep_their_id(collection: Collection) -> None:
    bundle_id, pairs_id = tiny_bundle(collection), tiny_bundle(collection, queries_are="items")
    manifests = [(collection.bundle(one) / "manifest.json").read_bytes() for one in (bundle_id, pairs_id)]
    assert [b"queries_are" in manifest for manifest in manifests] == [False, True]
    assert [open_bundle(collection, one).manifest.queries_are for one in (bundle_id, pairs_id)] == ["queries", "items"]


def test_a_reranker_is_part_of_the_bundle(collection: Collection) -> None:
    plain_id, bundle_id = tiny_bundle(collection), tiny_bundle(collection, reranker=True)
    assert open_bundle(collection, plain_id).rerankers.cross_encoder is None
    reranker = open_bundle(collection, bundle_id).rerankers.cross_encoder
    assert reranker is not None
    assert reranker.item_columns == reranker.query_columns == ("title",)
    assert reranker.score({"title": "red"}, [{"title": "lamp"}, {"title": "red"}]).argmax() == 1
    for name in ("cross_encoder.onnx", "tokenizers/tiny.json"):
        path = collection.bundle(bundle_id) / name
        good = path.read_bytes()
        path.write_bytes(good[:-1])
        with pytest.raises(BundleCorrupt, match=path.name):
            open_bundle(collection, bundle_id)
        path.write_bytes(good)


def test_training_again_repairs_a_damaged_bundle(collection: Collection) -> None:
    bundle_id = tiny_bundle(collection)
    (collection.bundle(bundle_id) / "model_card.md").write_text("torn")
    assert tiny_bundle(collection) == bundle_id
    assert open_bundle(collection, bundle_id).bundle_id == bundle_id
    assert list_bundles(collection) == [bundle_id]


def test_codebooks_that_could_not_be_opened_are_not_written(collection: Collection) -> None:
    with pytest.raises(ConfigError, match="fit 64 bits"):
        tiny_bundle(collection, codebook_sizes=(512,) * 8)
    assert list_bundles(collection) == []


def test_a_foreign_file_is_refused(collection: Collection) -> None:
    bundle_id = tiny_bundle(collection)
    (collection.bundle(bundle_id) / "notes.txt").write_text("hello")
    with pytest.raises(BundleCorrupt, match=r"notes\.txt is not in the manifest"):
        open_bundle(collection, bundle_id)


def test_a_renamed_bundle_is_refused(collection: Collection) -> None:
    bundle_id = tiny_bundle(collection)
    shutil.copytree(collection.bundle(bundle_id), collection.bundle("other"))
    with pytest.raises(BundleCorrupt, match="does not hash to its own bundle id"):
        open_bundle(collection, "other")


@pytest.mark.parametrize("other", [{"format_version": 1, "reranker": {"kind": "cross_encoder"}}, {"format_version": 3}])
def test_another_format_is_refused_with_what_to_do(collection: Collection, other: dict[str, object]) -> None:
    bundle_id = tiny_bundle(collection)
    path = collection.bundle(bundle_id) / "manifest.json"
    path.write_bytes(orjson.dumps(orjson.loads(path.read_bytes()) | other))
    with pytest.raises(
        BundleFormatUnsupported, match=rf"format {other['format_version']}, this version reads 2; train"
    ):
        open_bundle(collection, bundle_id)


def test_an_unknown_bundle_lists_those_there(collection: Collection) -> None:
    bundle_id = tiny_bundle(collection)
    with pytest.raises(BundleNotFound, match=f"no bundle 'nope'; it has: {bundle_id}"):
        open_bundle(collection, "nope")


def test_a_writer_that_fails_leaves_no_bundle(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bundle.store.publish_folder", broken)
    with pytest.raises(OSError, match="No space"):
        tiny_bundle(collection)
    assert list(collection.bundles.iterdir()) == []
