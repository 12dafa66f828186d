import pytest

from index.kinds.inverted_lists import InvertedLists
from index.kinds.ivf_flat import IvfFlatKind
from index.kinds.semantic_prefix import SemanticPrefixKind


@pytest.mark.parametrize("kind", [IvfFlatKind(nlist=50, nprobe=20), SemanticPrefixKind(n_prefixes=50, nprobe=20)])
def test_widening_doubles_nprobe_up_to_every_list(kind: InvertedLists) -> None:
    seen = [kind]
    while seen[-1].wider():
        seen += seen[-1].wider()
    assert [wider.setting()["nprobe"] for wider in seen] == [20, 40, 50]


def test_no_more_lists_are_measured_than_there_are() -> None:
    assert [kind.nprobe for kind in IvfFlatKind(nlist=20, nprobe=3).variants()] == [1, 3, 4, 16]


def test_a_request_overrides_the_default_and_only_its_own() -> None:
    kind = IvfFlatKind(nlist=20, nprobe=3)
    used = [kind.parameters(params) for params in ({"nprobe": 7}, {})]
    assert [parameters.nprobe for parameters in used if parameters is not None] == [7, 3]
