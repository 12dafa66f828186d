import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from bundle.errors import InvalidTable
from bundle.progress import NoProgress
from bundle.workspace import Collection
from evaluation.side_by_side import SideBySide
from index.build import build_index
from index.config import BuildConfig
from index.errors import RebuildRunning
from index.gates import Gates
from index.rebuild_lock import rebuild_lock
from index.rebuild_report import report_folder
from index.store import activate, current, list_versions, rollback, verify_version
from index.version import open_version
from tests.index.rebuilding import outcomes, retitle, run
from tests.index.shop import make_items, make_shop
from tests.tiny import tiny_bundle


class Stopped(NoProgress):
    """Raises when so many shards were embedded."""

    def __init__(self, shards: int) -> None:
        self.left = shards

    def advance(self, n: int = 1) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def test_a_first_rebuild_skips_the_gates_that_need_an_active_version_and_says_so(own_shop: Collection) -> None:
    report = run(own_shop)
    assert (report.outcome, report.before, current(own_shop)) == ("activated", None, report.version)
    assert outcomes(report).pop("index recall") == "passed"
    assert [gate.outcome for gate in report.gates].count("skipped") == 4
    assert all("no version is active" in gate.detail for gate in report.gates if gate.outcome == "skipped")


def test_an_unchanged_catalogue_is_not_built_again_unless_forced(own_shop: Collection) -> None:
    first = run(own_shop)
    make_items(own_shop.folder.parents[1] / "items.parquet", 60)  # the same rows in a new file
    again = run(own_shop)
    assert (again.outcome, again.version, again.n_copied + again.n_embedded) == ("unchanged", first.version, 0)
    forced = run(own_shop, force=True)
    assert (forced.outcome, forced.n_embedded, forced.n_copied) == ("activated", 0, 60)
    assert current(own_shop) == forced.version != first.version


@pytest.mark.parametrize("what", ["catalogue", "bundle", "config"])
def test_any_change_is_built(own_shop: Collection, what: str) -> None:
    first = run(own_shop)
    config: dict[str, Any] = {}
    if what == "catalogue":
        retitle(own_shop, ["item-7"])
    elif what == "bundle":
        tiny_bundle(own_shop, dimension=8, seed=9)
    else:
        config = {"kind": {"kind": "hnsw"}}
    report = run(own_shop, **config)
    assert (report.outcome, report.before) == ("activated", first.version)
    assert report.n_embedded == {"catalogue": 1, "bundle": 60, "config": 0}[what]


@pytest.mark.parametrize("queries_are", ["queries", "items"])
def test_only_changed_and_new_items_are_embedded_and_the_others_keep_their_bits(
    tmp_path: Path, queries_are: str
) -> None:
    shop = make_shop(tmp_path, queries_are=queries_are)
    before = open_version(shop, run(shop).version)
    retitle(shop, ["item-3", "item-30"])
    report = run(shop)
    after = open_version(shop, report.version)
    roles = len(after.roles)
    assert (report.n_embedded, report.n_copied) == (2 * roles, 58 * roles)
    kept = [f"item-{n}" for n in range(60) if n not in {3, 30}]
    for relation in after.roles:
        assert after.vectors(kept, relation).tobytes() == before.vectors(kept, relation).tobytes()
        assert not np.allclose(after.vectors(["item-3"], relation), before.vectors(["item-3"], relation))
    full = open_version(shop, run(shop, force=True, reuse_vectors=False).version)
    assert full.manifest.n_copied == 0
    for relation in after.roles:
        everything = [f"item-{n}" for n in range(60)]
        np.testing.assert_allclose(after.vectors(everything, relation), full.vectors(everything, relation), atol=1e-6)


def test_an_interrupted_run_leaves_its_shards_to_the_next(own_shop: Collection) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(own_shop, Stopped(shards=3), shard_size=10)
    assert list_versions(own_shop) == []
    report = run(own_shop, shard_size=10)
    assert (report.n_copied, report.n_embedded) == (30, 30)
    assert not list(own_shop.indexes.glob(".*"))


def test_a_damaged_shard_is_embedded_again(own_shop: Collection) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(own_shop, Stopped(shards=3), shard_size=10)
    one, two, _ = own_shop.indexes.glob(".embedded-*/item/*")
    content = bytearray(one.read_bytes())
    content[-1] ^= 1
    one.write_bytes(content)
    two.write_bytes(two.read_bytes()[:-3])
    report = run(own_shop, shard_size=10)
    assert (report.n_copied, report.n_embedded) == (10, 50)


def test_a_version_that_was_built_but_not_judged_is_only_judged(own_shop: Collection) -> None:
    run(own_shop)
    retitle(own_shop, ["item-1"])

    class BeforeGates(NoProgress):
        def start(self, task: str, total: int | None) -> None:
            if task == "judge gates":
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(own_shop, BeforeGates())
    newest = list_versions(own_shop)[-1]
    assert current(own_shop) != newest
    report = run(own_shop)
    assert (report.outcome, report.version, report.n_embedded) == ("activated", newest, 0)
    assert "built by an earlier run" in report.notes[0]


def test_a_refused_version_waits_and_the_active_one_stays(own_shop: Collection) -> None:
    active = run(own_shop).version
    make_items(own_shop.folder.parents[1] / "items.parquet", 30)
    for _ in range(2):  # the second run judges the same version again
        report = run(own_shop)
        assert (report.outcome, outcomes(report)["count change"]) == ("refused", "refused")
        assert current(own_shop) == active
        assert list_versions(own_shop) == [active, report.version]
    report = run(own_shop, gates={"max_count_change": 0.5})
    assert (report.outcome, report.n_embedded, current(own_shop)) == ("activated", 0, report.version)


def test_a_rebuild_does_not_undo_a_rollback_by_itself(own_shop: Collection) -> None:
    good = run(own_shop).version
    retitle(own_shop, ["item-1"])
    bad = run(own_shop).version
    assert rollback(own_shop) == good
    report = run(own_shop)
    assert (report.outcome, report.version, current(own_shop)) == ("rolled back", bad, good)
    assert "--force" in report.notes[-1]
    retitle(own_shop, ["item-1"])  # a new catalogue is another matter
    assert run(own_shop).outcome == "activated"


def test_the_kept_number_of_versions_stays(own_shop: Collection) -> None:
    versions = []
    for _ in range(4):
        retitle(own_shop, ["item-1"])
        versions.append(run(own_shop, keep=2).version)
    assert list_versions(own_shop) == versions[-2:]
    assert sorted(path.name for path in (own_shop.folder / "rebuilds").iterdir()) == versions[-2:]


def test_two_jobs_never_meet(own_shop: Collection) -> None:
    with (
        rebuild_lock(own_shop, "tandem index rebuild"),
        pytest.raises(RebuildRunning, match=rf"`tandem index rebuild`, process {os.getpid()} on .*, since 20"),
    ):
        run(own_shop)
    assert run(own_shop).outcome == "activated"


def test_a_build_beside_a_rebuild_keeps_its_folder(own_shop: Collection) -> None:
    """An `index build` takes no part in the lock: its folder is no leftover as long as it lives."""
    started, go_on = threading.Event(), threading.Event()

    class Waits(NoProgress):
        def finish(self) -> None:
            started.set()
            go_on.wait(30)

    def build() -> None:
        config = BuildConfig(collection="shop", items=own_shop.folder.parents[1] / "items.parquet")
        build_index(own_shop, config, Waits())

    building = threading.Thread(target=build)
    building.start()
    started.wait(30)
    report = run(own_shop)
    assert len(report.in_use) == 1
    go_on.set()
    building.join()
    assert len(list_versions(own_shop)) == 2
    assert all(verify_version(own_shop, version) for version in list_versions(own_shop))


def test_a_bad_stored_query_table_leaves_the_active_version(own_shop: Collection) -> None:
    active = run(own_shop).version
    retitle(own_shop, ["item-1"])
    quality = {"queries": "none.csv", "interactions": "none.csv"}
    with pytest.raises(InvalidTable, match=r"none\.csv"):
        run(own_shop, gates=Gates.model_validate({"quality": quality}).model_dump(mode="json"))
    assert current(own_shop) == active
    assert run(own_shop).outcome == "activated"


def test_a_version_activated_by_hand_is_compared_with(own_shop: Collection) -> None:
    first = run(own_shop).version
    retitle(own_shop, ["item-1"])
    second = run(own_shop).version
    activate(own_shop, first)
    retitle(own_shop, ["item-2"])
    report = run(own_shop)
    assert report.before == first
    assert report.version not in {first, second}


def test_stored_queries_leave_both_versions_side_by_side(own_shop: Collection) -> None:
    root = own_shop.folder.parents[1]
    titles = pq.read_table(root / "items.parquet").to_pylist()
    rows = [(one["item_id"], one["title"]) for one in titles]
    (root / "queries.csv").write_text("query_id,title\n" + "".join(f"q-{one},{title}\n" for one, title in rows))
    (root / "qrels.csv").write_text("query_id,item_id\n" + "".join(f"q-{one},{one}\n" for one, _ in rows))
    quality = {"queries": "queries.csv", "interactions": "qrels.csv", "judged_by": "interval", "max_drop": 0.01}
    first = run(own_shop, gates={"quality": quality})
    assert first.comparison is None
    retitle(own_shop, [f"item-{n}" for n in range(20)])
    second = run(own_shop, gates={"quality": quality})
    assert (second.outcome, second.comparison) == ("refused", "comparison.html")
    folder = report_folder(own_shop, second.version)
    found = SideBySide.model_validate_json((folder / "comparison.json").read_bytes())
    assert (found.left.name, found.right.name, found.n_queries) == (first.version, second.version, 60)
    assert found.results[0].losses > 0
    assert found.worst[0].name in dict(rows).values()  # a query by its text
    assert run(own_shop, gates={"quality": quality | {"max_drop": 1.0}}).outcome == "activated"
