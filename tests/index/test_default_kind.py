import pytest

from bundle.errors import ConfigError
from bundle.progress import NoProgress
from bundle.workspace import Collection
from index.corpus import Corpus
from index.default_kind import BY_SIZE, DEFAULT_TARGET, choose_kind
from index.kinds.ivf_rabitq import IvfRabitqKind
from index.manifest import read_index_manifest
from index.queries import RecallQueries
from index.recall import measure
from tests.contracts.index_kind import clustered
from tests.index.shop import build_shop

FOUR_BITS, ONE_BIT = IvfRabitqKind(bits=4, nprobe=32, refine=4), IvfRabitqKind(bits=1, nprobe=32, refine=20)


@pytest.mark.parametrize(
    ("n_items", "kind"),
    [(1, "flat"), (20_000, "flat"), (20_001, "ivf_flat"), (1_000_000, "ivf_flat"), (1_000_001, "ivf_rabitq")],
)
def test_without_a_budget_the_number_of_items_decides(n_items: int, kind: str) -> None:
    choice = choose_kind(n_items, 128)
    assert choice.kind.kind == kind
    assert choice.because == f"{n_items:,} items, no memory budget"


def test_very_large_corpora_get_one_bit() -> None:
    assert choose_kind(10_000_000, 128).kind == FOUR_BITS
    assert choose_kind(10_000_001, 128).kind == ONE_BIT


@pytest.mark.parametrize(
    ("budget_mb", "kind"), [(512 + 8, "ivf_flat"), (512 + 7, FOUR_BITS), (92, FOUR_BITS), (91, ONE_BIT), (32, ONE_BIT)]
)
def test_a_budget_moves_to_the_first_smaller_kind_that_keeps_it(budget_mb: int, kind: str | IvfRabitqKind) -> None:
    choice = choose_kind(1_000_000, 128, budget_mb)
    assert kind in (choice.kind, choice.kind.kind)
    assert choice.because is not None and f"of a budget of {budget_mb} MB" in choice.because


def test_a_budget_that_nothing_keeps_says_what_is_needed() -> None:
    with pytest.raises(
        ConfigError, match=r"memory_budget_mb is 31, .* needs 32 MB for 1,000,000 items of 128"
    ) as caught:
        choose_kind(1_000_000, 128, 31)
    assert caught.value.context["needed_mb"] == 32


@pytest.mark.parametrize("kind", [kind for _, kind in BY_SIZE], ids=["flat", "ivf_flat", "four-bits", "one-bit"])
def test_every_default_finds_95_of_100(kind: IvfRabitqKind) -> None:
    corpus = Corpus(clustered(20_000))
    resolved = kind.resolve(corpus)
    measured = measure(
        resolved.build(corpus, 0),
        resolved,
        corpus.vectors_ND,
        RecallQueries(clustered(100, seed=1), None),
        target=None,
        threads=1,
        progress=NoProgress(),
    )
    assert measured.report.recall >= 0.95


def test_a_default_kind_has_a_default_target_and_a_named_kind_has_none(own_shop: Collection) -> None:
    versions = (
        build_shop(own_shop),
        build_shop(own_shop, target_recall=0.9),
        build_shop(own_shop, kind={"kind": "flat"}),
    )
    targets = [read_index_manifest(own_shop.index(version)).recall.target for version in versions]
    assert targets == [DEFAULT_TARGET, 0.9, None]


def test_a_version_says_why_it_has_its_kind_unless_the_configuration_named_it(own_shop: Collection) -> None:
    chosen, named = build_shop(own_shop), build_shop(own_shop, kind={"kind": "ivf_flat"})
    assert read_index_manifest(own_shop.index(chosen)).kind_because == "60 items, no memory budget"
    page = (own_shop.index(chosen) / "report" / "index.html").read_text(encoding="utf-8")
    assert "<td>why this kind</td><td>60 items, no memory budget</td>" in page
    assert read_index_manifest(own_shop.index(named)).kind_because is None


def test_a_build_asks_with_its_budget(own_shop: Collection) -> None:
    version = build_shop(own_shop, memory_budget_mb=5)
    assert read_index_manifest(own_shop.index(version)).kind_because == "60 items at 0.0 MB, of a budget of 5 MB"
