import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bundle.errors import BundleNotFound, ConfigError, InvalidTable
from bundle.items import read_items
from bundle.progress import NoProgress
from bundle.store import list_bundles, open_bundle
from bundle.workspace import Collection, Workspace
from index.build import build_index
from index.catalogue import read_catalogue
from index.config import BuildConfig
from index.errors import RecallBelowTarget
from index.store import activate, current, list_versions, read_version, verify_version
from index.version import open_version
from tests.index.shop import build_shop, make_items, make_shop
from tests.service.tiny import write_tiny_bundle
from tests.tiny import tiny_bundle

# Runs in its own process, because it kills itself at a step of the build.
DYING_BUILD = """
import os, signal, sys
from pathlib import Path
from bundle.progress import NoProgress
from bundle.workspace import Workspace
from index.build import build_index
from index.config import BuildConfig

class Dies(NoProgress):
    def start(self, task, total):
        if task == sys.argv[2]:
            os.kill(os.getpid(), signal.SIGKILL)

root = Path(sys.argv[1])
build_index(Workspace(root).collection("shop"), BuildConfig(collection="shop", items=root / "items.parquet"), Dies())
"""


def test_every_item_is_found_under_its_id_with_the_towers_vector(shop: Collection, shop_version: str) -> None:
    opened = open_version(shop, shop_version)
    items = read_items(shop.folder.parents[1] / "items.parquet")
    bundle = open_bundle(shop, opened.bundle_id)
    expected_ND = bundle.item.embed(items.records(["title"]))
    np.testing.assert_allclose(opened.vectors(items.item_ids), expected_ND, rtol=0, atol=1e-6)
    hits = opened.search(expected_ND, 1)
    assert opened.count == len(items)
    np.testing.assert_allclose(hits.scores_BK, 1, atol=1e-5)
    assert bundle.semantic_ids is not None
    codes_NL = bundle.semantic_ids.encode(opened.vectors(items.item_ids)).tolist()
    semantic_ids = opened.semantic_ids(items.item_ids)
    assert semantic_ids is not None
    assert [list(one.codes) for one in semantic_ids] == codes_NL


def test_the_manifest_tells_what_was_built(shop: Collection, shop_version: str) -> None:
    manifest = read_version(shop, shop_version)
    assert (manifest.count, manifest.dimension, manifest.metric, manifest.kind.kind) == (300, 8, "cosine", "flat")
    assert manifest.recall.recall == 1
    assert manifest.recall.queries == "items"
    assert manifest.bundle_id == list_bundles(shop)[0]
    assert manifest.attributes.keys() == {"title", "price", "listed_at"}
    assert manifest.is_deterministic
    assert manifest.config["items"] == "items.parquet"
    assert manifest.semantic_ids is not None
    assert manifest.semantic_ids.codebook_sizes == (4, 4)


def test_where_queries_are_items_both_towers_embed_the_catalogue(own_pairs: Collection) -> None:
    version = build_shop(own_pairs, kind={"kind": "ivf_flat", "nlist": 8, "nprobe": 1}, target_recall=0.99)
    items = read_catalogue(own_pairs.folder.parents[1] / "items.parquet")
    bundle, folder = open_bundle(own_pairs, list_bundles(own_pairs)[0]), own_pairs.index(version)
    for tower, place in ((bundle.item, folder), (bundle.query, folder / "in")):
        expected_ND = tower.embed(items.records(["title"]))
        np.testing.assert_allclose(np.load(place / "vectors.npy"), expected_ND, rtol=0, atol=1e-6)
    manifest = read_version(own_pairs, version)
    assert list(manifest.roles) == ["complementary", "similar"]
    assert all(role.recall.recall >= 0.99 for role in manifest.roles.values())
    assert {"in/index.faiss", "in/vectors.npy"} < manifest.files.keys()
    opened = open_version(own_pairs, version)
    assert bundle.semantic_ids is not None
    codes_NL = bundle.semantic_ids.encode(bundle.item.embed(items.records(["title"]))).tolist()
    assert [list(one.codes) for one in opened.semantic_ids(items.item_ids) or ()] == codes_NL


class Steps(NoProgress):
    """Remembers what a build did."""

    def __init__(self) -> None:
        self.tasks: list[str] = []

    def start(self, task: str, total: int | None) -> None:
        self.tasks.append(task)


@pytest.mark.parametrize(("kind", "roles"), [("flat", 1), ("semantic_prefix", 2)])
def test_codes_of_the_in_role_are_computed_where_its_index_reads_them(
    own_pairs: Collection, kind: str, roles: int
) -> None:
    root, steps = own_pairs.folder.parents[1], Steps()
    settings = {"collection": "shop", "items": root / "items.parquet", "kind": {"kind": kind}}
    build_index(own_pairs, BuildConfig.model_validate(settings), steps)
    assert steps.tasks.count("encode semantic IDs") == roles


def test_a_missed_target_names_the_role_where_there_are_two(tmp_path: Path) -> None:
    weak = {"kind": "hnsw", "m": 2, "ef_construction": 2, "ef_search": 1_024}
    pairs = make_shop(tmp_path / "pairs", count=6_000, queries_are="items")
    with pytest.raises(RecallBelowTarget, match="^in the out role, kind hnsw reaches") as caught:
        build_shop(pairs, kind=weak, target_recall=1.0)
    assert caught.value.context.keys() == {"target", "recall", "role"}


def test_recall_of_complementary_items_is_measured_with_what_asks_for_them(own_pairs: Collection) -> None:
    # One list of three is probed: which of the ten best it holds depends on which vectors ask.
    version = build_shop(own_pairs, kind={"kind": "ivf_flat", "nlist": 3, "nprobe": 1})
    in_ND, out_ND = (np.load(own_pairs.index(version) / place / "vectors.npy") for place in ("in", "."))
    opened = open_version(own_pairs, version)
    item_ids = sorted(f"item-{row}" for row in range(60))
    shares = []
    for row, item_id in enumerate(item_ids):
        exact_N = out_ND @ in_ND[row]
        exact_N[row] = -np.inf
        found = [one for one in opened.search(in_ND[[row]], 11).ids[0] if one != item_id]
        tenth = np.sort(exact_N)[-10] - 1e-5
        shares.append(min(10, sum(exact_N[item_ids.index(one)] >= tenth for one in found)) / 10)
    assert opened.manifest.recall.recall == pytest.approx(np.mean(shares), abs=1e-6)
    assert opened.manifest.recall.recall < 0.9


def test_a_bundle_of_queries_has_one_role_and_says_nothing_of_another(shop: Collection, shop_version: str) -> None:
    assert b"in_role" not in (shop.index(shop_version) / "manifest.json").read_bytes()
    assert not (shop.index(shop_version) / "in").exists()
    assert list(read_version(shop, shop_version).roles) == ["similar"]


def test_a_catalogue_without_a_column_of_the_query_tower_is_refused_by_name(tmp_path: Path) -> None:
    collection = Workspace(tmp_path).collection("shop")
    write_tiny_bundle(collection, queries_are="items", asking="brand")
    (tmp_path / "items.csv").write_text("item_id,title\na,red mug\n")
    with pytest.raises(InvalidTable, match=r"items\.csv has no column 'brand'"):
        build_index(collection, BuildConfig(collection="shop", items=tmp_path / "items.csv"))
    (tmp_path / "items.csv").write_text("item_id,title,brand\na,red mug,00123\n")
    version = build_index(collection, BuildConfig(collection="shop", items=tmp_path / "items.csv"))
    bundle, opened = open_bundle(collection, list_bundles(collection)[0]), open_version(collection, version)
    expected_1D = bundle.query.embed([{"brand": "00123"}])  # a text of digits stays a text for either tower
    np.testing.assert_allclose(opened.query_vectors(["a"]), expected_1D, atol=1e-6)
    assert list_versions(collection) == [version]


@pytest.mark.parametrize("kind", ["flat", "ivf_flat", "hnsw"])
def test_two_builds_of_the_same_input_have_the_same_data_files(own_shop: Collection, kind: str) -> None:
    first, second = (read_version(own_shop, build_shop(own_shop, kind={"kind": kind})) for _ in range(2))
    assert first.version < second.version
    assert {n: e for n, e in first.files.items() if not n.startswith("report/")} == {
        n: e for n, e in second.files.items() if not n.startswith("report/")
    }


def test_the_newest_bundle_embeds_unless_one_is_named(own_shop: Collection) -> None:
    old = list_bundles(own_shop)[0]
    new = tiny_bundle(own_shop, dimension=8, seed=5)
    assert read_version(own_shop, build_shop(own_shop)).bundle_id == new
    assert read_version(own_shop, build_shop(own_shop, bundle=old)).bundle_id == old
    with pytest.raises(BundleNotFound, match="nonesuch"):
        build_shop(own_shop, bundle="nonesuch")


def test_recall_can_be_measured_with_a_query_table(own_shop: Collection) -> None:
    (own_shop.folder.parents[1] / "queries.csv").write_text("title\nabc def\nghi\n")
    recall = read_version(own_shop, build_shop(own_shop, queries="queries.csv")).recall
    assert (recall.queries, recall.n_queries) == ("table", 2)


def test_a_target_recall_raises_the_search_setting_that_is_served(own_shop: Collection) -> None:
    make_items(own_shop.folder.parents[1] / "items.parquet", 600)
    loose = {"kind": "ivf_flat", "nlist": 64, "nprobe": 1}
    manifest = read_version(own_shop, build_shop(own_shop, kind=loose, target_recall=0.99))
    assert manifest.kind.setting()["nprobe"] > 1
    assert manifest.recall.recall >= 0.99


def test_a_bundle_without_a_quantizer_gives_a_version_without_semantic_ids(tmp_path: Path) -> None:
    collection = Workspace(tmp_path).collection("shop")
    tiny_bundle(collection, codebook_sizes=None)
    make_items(tmp_path / "items.parquet", 20)
    opened = open_version(collection, build_shop(collection))
    assert opened.manifest.semantic_ids is None
    assert opened.prefix is None
    assert opened.semantic_ids(["item-1"]) is None


def test_one_item_is_a_catalogue(own_shop: Collection) -> None:
    make_items(own_shop.folder.parents[1] / "items.parquet", 1)
    for kind in ("flat", "ivf_flat", "hnsw", "semantic_prefix"):
        opened = open_version(own_shop, build_shop(own_shop, kind={"kind": kind}))
        assert opened.search(opened.vectors(["item-0"]), 10).ids == [["item-0"]]


def test_fewer_items_than_codes_have_semantic_ids_all_the_same(own_shop: Collection) -> None:
    tiny_bundle(own_shop, dimension=8, codebook_sizes=(16, 16), seed=3)
    make_items(own_shop.folder.parents[1] / "items.parquet", 5)
    opened = open_version(own_shop, build_shop(own_shop, kind={"kind": "semantic_prefix", "depth": 2}))
    semantic_ids = opened.semantic_ids([f"item-{row}" for row in range(5)])
    assert semantic_ids is not None
    assert len(set(semantic_ids)) == 5
    assert len(opened.search(opened.vectors(["item-3"]), 9).ids[0]) == 5


def test_an_empty_catalogue_is_refused(own_shop: Collection) -> None:
    (own_shop.folder.parents[1] / "items.csv").write_text("item_id,title\n")
    with pytest.raises(InvalidTable, match=r"items\.csv has no rows; a catalogue needs at least one item"):
        build_shop(own_shop, items="items.csv")
    assert list_versions(own_shop) == []


def test_a_failed_build_leaves_nothing(own_shop: Collection) -> None:
    weak = {"kind": "hnsw", "m": 2, "ef_construction": 2, "ef_search": 1_024}
    root = own_shop.folder.parents[1]
    make_items(root / "items.parquet", 6_000)
    with pytest.raises(RecallBelowTarget, match="^kind hnsw reaches"):
        build_shop(own_shop, kind=weak, target_recall=1.0)
    (root / "items.csv").write_text("item_id,title\na,x\nb,\n")
    with pytest.raises(InvalidTable, match="'b'"):
        build_shop(own_shop, items="items.csv")
    assert list_versions(own_shop) == []
    assert list(own_shop.indexes.iterdir()) == []


def test_a_config_for_another_collection_or_without_a_bundle_is_refused(own_shop: Collection, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'other'.*'shop'"):
        build_shop(own_shop, collection="other")
    empty = Workspace(tmp_path).collection("empty")
    with pytest.raises(BundleNotFound, match="no bundle"):
        build_index(empty, BuildConfig(collection="empty", items=tmp_path / "items.parquet"))


@pytest.mark.parametrize("step", ["embed items", "build flat index", "measure index recall", "encode semantic IDs"])
@pytest.mark.parametrize("queries_are", ["queries", "items"])
def test_a_killed_build_leaves_no_version_and_the_active_one_serves(
    tmp_path: Path, step: str, queries_are: str
) -> None:
    own_shop = make_shop(tmp_path, queries_are=queries_are)
    version = build_shop(own_shop)
    activate(own_shop, version)
    killed = subprocess.run([sys.executable, "-c", DYING_BUILD, str(tmp_path), step], capture_output=True, check=False)
    assert killed.returncode == -9, killed.stderr.decode()
    assert list_versions(own_shop) == [version]
    assert current(own_shop) == version
    verify_version(own_shop, version)
    assert build_shop(own_shop) in list_versions(own_shop)
