from pathlib import Path
from typing import Any

import pytest

from bundle.errors import ConfigError
from bundle.workspace import Collection
from index.config import BuildConfig
from index.errors import RecallBelowTarget, VersionNotFound
from index.kinds.flat import FlatKind
from index.kinds.hnsw import HnswKind
from index.kinds.ivf_flat import IvfFlatKind
from index.kinds.ivf_rabitq import IvfRabitqKind
from index.manifest import read_index_manifest
from index.store import activate, list_versions
from index.tune import Trial, Tuning, _choose, kind_section, tune
from tests.index.shop import build_shop
from tests.tiny import tiny_bundle


def tuned(shop: Collection, kinds: tuple[str, ...] = ("flat", "ivf_flat"), **config: Any) -> Tuning:
    settings = {"collection": shop.name, "items": "items.parquet", **config}
    return tune(shop, BuildConfig.model_validate(settings), kinds, base=shop.folder.parents[1])


def test_every_setting_of_the_asked_kinds_is_measured_and_no_version_is_written(
    shop: Collection, shop_version: str
) -> None:
    before = list_versions(shop)
    tuning = tuned(shop, ("flat", "ivf_rabitq"))
    assert {trial.name for trial in tuning.trials} == {"flat", "ivf_rabitq 1 bit", "ivf_rabitq 4 bit"}
    costs = [trial.cpu_us_per_query for trial in tuning.trials]
    assert costs == sorted(costs)
    assert [trial.recall for trial in tuning.trials if trial.name == "flat"] == [1.0]
    assert {trial.index_bytes for trial in tuning.trials if trial.name == "flat"} == {300 * 8 * 4}
    assert list_versions(shop) == before
    assert tuning.version == before[-1]


def test_what_is_chosen_meets_the_target_and_a_build_with_it_measures_the_same_recall(own_shop: Collection) -> None:
    build_shop(own_shop)
    tuning = tuned(own_shop, ("ivf_rabitq",), target_recall=0.9)
    again = read_index_manifest(own_shop.index(build_shop(own_shop, kind=tuning.chosen.kind.model_dump())))
    assert again.recall.recall == tuning.chosen.recall >= 0.9
    assert again.kind.setting() == tuning.chosen.kind.setting()


def test_a_configured_kind_takes_the_place_of_its_candidate(shop: Collection, shop_version: str) -> None:
    tuning = tuned(shop, ("ivf_flat",), kind={"kind": "ivf_flat", "nlist": 3})
    assert {trial.kind.setting()["nprobe"] for trial in tuning.trials} == {1, 3}


def test_a_target_that_no_kind_reaches_says_how_far_they_came(shop: Collection, shop_version: str) -> None:
    with pytest.raises(RecallBelowTarget, match=r"reaches index recall 1.0; the best has 0\.\d+; lower target_recall"):
        tuned(shop, ("hnsw",), kind={"kind": "hnsw", "m": 2, "ef_construction": 2}, target_recall=1.0)


def trial(recall: float, cpu: float, n_bytes: int) -> Trial:
    return Trial(FlatKind(), recall, cpu, n_bytes, 1.0)


def test_the_cheapest_good_trial_is_chosen_and_memory_decides_between_equal_costs() -> None:
    cheap, small, dear, bad = trial(0.97, 10, 300), trial(0.96, 10.9, 200), trial(0.99, 20, 100), trial(0.9, 1, 1)
    assert _choose([bad, cheap, dear], 0.95, None) == cheap
    assert _choose([bad, cheap, small, dear], 0.95, None) == small
    assert _choose([bad, cheap, small, dear], 0.98, None) == dear


def test_a_budget_rules_out_larger_indexes_and_may_leave_none() -> None:
    cheap, dear = trial(0.97, 10, 2_000_001), trial(0.96, 20, 2_000_000)
    assert _choose([cheap, dear], 0.95, 2) == dear
    with pytest.raises(RecallBelowTarget, match="within 1 MB.*raise memory_budget_mb"):
        _choose([cheap, dear], 0.95, 1)


def test_the_front_is_what_nothing_beats_in_all_three() -> None:
    best, small, beaten, twin = trial(1, 10, 10), trial(0.9, 10, 5), trial(0.9, 11, 10), trial(1, 10, 10)
    assert Tuning("v", 0.9, (best, small, beaten, twin), best).front == [best, small, twin]


def test_the_section_is_what_a_configuration_needs_to_say() -> None:
    assert kind_section(IvfRabitqKind(bits=4, nprobe=32)) == (
        '[kind]\nkind = "ivf_rabitq"\nnprobe = 32\nbits = 4\nrefine = 10'
    )
    assert kind_section(FlatKind()) == '[kind]\nkind = "flat"'
    assert kind_section(HnswKind()) == '[kind]\nkind = "hnsw"\nef_search = 64'
    assert kind_section(IvfFlatKind()) == '[kind]\nkind = "ivf_flat"\nnprobe = 16'


def test_the_vectors_are_those_of_the_active_version_else_of_the_newest_of_the_bundle(own_shop: Collection) -> None:
    first, second = build_shop(own_shop), build_shop(own_shop)
    assert tuned(own_shop, ("flat",)).version == second
    activate(own_shop, first)
    assert tuned(own_shop, ("flat",)).version == first
    tiny_bundle(own_shop, dimension=4)
    with pytest.raises(VersionNotFound, match="build one of any kind first"):
        tuned(own_shop, ("flat",))


def test_a_kind_that_is_no_candidate_is_refused_naming_those_there_are(shop: Collection, shop_version: str) -> None:
    with pytest.raises(ConfigError, match="'ivf_sq16' cannot be tuned; choose from flat, hnsw, ivf_flat"):
        tuned(shop, ("ivf_sq16",))


def test_a_config_of_another_collection_is_refused(shop: Collection) -> None:
    with pytest.raises(ConfigError, match="'toys'"):
        tune(shop, BuildConfig(collection="toys", items=Path("items.parquet")))
