from pathlib import Path
from typing import Any

import pytest

from bundle.store import open_bundle
from bundle.workspace import Collection
from index.gates import GateResult, Gates, judge
from index.query_comparison import Opened
from index.version import open_version
from tests.index.shop import build_shop, make_items
from tests.tiny import tiny_bundle


def opened(shop: Collection, **config: Any) -> Opened:
    version = open_version(shop, build_shop(shop, **config))
    return Opened(version, open_bundle(shop, version.bundle_id))


def judged(new: Opened, live: Opened | str, base: Path = Path(), **gates: Any) -> dict[str, GateResult]:
    return {result.gate: result for result in judge(Gates.model_validate(gates), new, live, base).results}


@pytest.fixture
def live(own_shop: Collection) -> Opened:
    return opened(own_shop)


def other_items(shop: Collection, count: int = 60) -> None:
    make_items(shop.folder.parents[1] / "items.parquet", count, seed=1)


def test_the_same_again_passes_every_gate(own_shop: Collection, live: Opened) -> None:
    results = judged(opened(own_shop), live)
    outcomes = [result.outcome for result in results.values()]
    assert outcomes == ["passed", "passed", "passed", "passed", "skipped"]
    assert "[gates.quality]" in results["quality"].detail


def test_index_recall_below_the_limit_refuses(own_shop: Collection) -> None:
    new = opened(own_shop, kind={"kind": "ivf_flat", "nlist": 3, "nprobe": 1})
    recall = new.version.manifest.recall.recall
    assert recall < 0.9
    result = judged(new, "none")["index recall"]
    assert (result.outcome, result.value, result.limit) == ("refused", recall, 0.9)
    assert judged(new, "none", min_index_recall=recall)["index recall"].outcome == "passed"


def test_the_weakest_relation_counts(own_pairs: Collection) -> None:
    new = opened(own_pairs, kind={"kind": "ivf_flat", "nlist": 3, "nprobe": 1})
    recalls = {relation: role.recall.recall for relation, role in new.version.manifest.roles.items()}
    result = judged(new, "none")["index recall"]
    assert result.value == min(recalls.values())
    assert min(recalls, key=lambda relation: recalls[relation]) in result.detail


@pytest.mark.parametrize(("count", "outcome"), [(48, "passed"), (47, "refused"), (72, "passed"), (73, "refused")])
def test_the_number_of_items_may_change_by_a_share_up_or_down(
    own_shop: Collection, live: Opened, count: int, outcome: str
) -> None:
    make_items(own_shop.folder.parents[1] / "items.parquet", count)
    result = judged(opened(own_shop), live, max_count_change=0.2)["count change"]
    assert result.outcome == outcome
    assert result.detail == f"60 items before, {count} now"


def test_another_catalogue_under_the_same_ids_refuses(own_shop: Collection, live: Opened) -> None:
    other_items(own_shop)
    results = judged(opened(own_shop), live)
    for gate in ("changed neighbours", "semantic-ID churn"):
        assert results[gate].outcome == "refused", gate
        assert (results[gate].value or 0) > 0.5
    reported = judged(opened(own_shop), live, max_changed_neighbours=None, max_semantic_id_churn=None)
    assert reported["changed neighbours"].outcome == reported["semantic-ID churn"].outcome == "reported"
    assert reported["changed neighbours"].value == results["changed neighbours"].value


def test_another_bundle_has_limits_of_its_own(own_shop: Collection, live: Opened) -> None:
    tiny_bundle(own_shop, dimension=8, seed=7)
    new = opened(own_shop)
    results = judged(new, live)
    assert results["changed neighbours"].outcome == results["semantic-ID churn"].outcome == "reported"
    strict = judged(new, live, new_bundle={"max_semantic_id_churn": 0.05})
    assert (strict["semantic-ID churn"].outcome, strict["semantic-ID churn"].limit) == ("refused", 0.05)


def test_catalogues_without_a_common_item_are_refused(own_shop: Collection, live: Opened) -> None:
    path = own_shop.folder.parents[1] / "items.csv"
    path.write_text("item_id,title\n" + "".join(f"other-{n},abc {n}\n" for n in range(60)))
    results = judged(opened(own_shop, items="items.csv"), live)
    assert results["changed neighbours"].outcome == "refused"
    assert "none of the items" in results["changed neighbours"].detail


def test_quality_that_falls_refuses_and_other_quality_does_not(
    own_shop: Collection, live: Opened, tmp_path: Path
) -> None:
    titles = live.version.attributes([f"item-{n}" for n in range(2, 60, 3)])
    rows = list(enumerate(titles))
    (tmp_path / "queries.csv").write_text("query_id,title\n" + "".join(f"q{n},{one['title']}\n" for n, one in rows))
    (tmp_path / "qrels.csv").write_text("query_id,item_id\n" + "".join(f"q{n},item-{2 + 3 * n}\n" for n, _ in rows))
    quality = {"queries": "queries.csv", "interactions": "qrels.csv"}
    same = judged(opened(own_shop), live, tmp_path, quality=quality)["quality"]
    assert (same.outcome, same.value) == ("passed", 0)
    other_items(own_shop)
    new = opened(own_shop)
    worse = judged(new, live, tmp_path, quality=quality)["quality"]
    assert worse.outcome == "refused"
    assert worse.value is not None
    assert worse.value > 0.3
    better = judged(live, new, tmp_path, quality=quality)["quality"]
    assert (better.outcome, better.value) == ("passed", -worse.value)
    assert judged(new, live, tmp_path, quality=quality | {"max_drop": None})["quality"].outcome == "reported"


def test_stored_queries_whose_answers_one_version_lacks_refuse(
    own_shop: Collection, live: Opened, tmp_path: Path
) -> None:
    path = tmp_path / "items.csv"
    path.write_text("item_id,title\nitem-0,abc\n" + "".join(f"other-{n},abc {n}\n" for n in range(59)))
    new = opened(own_shop, items="items.csv")
    (tmp_path / "queries.csv").write_text("query_id,title\nq,abc\n")
    (tmp_path / "qrels.csv").write_text("query_id,item_id\nq,other-1\n")
    quality = {"queries": "queries.csv", "interactions": "qrels.csv"}
    judgement = judge(Gates.model_validate({"quality": quality}), new, live, tmp_path)
    assert judgement.comparison is None
    assert judgement.results[-1].outcome == "refused"
    assert "is an item of both versions" in judgement.results[-1].detail
