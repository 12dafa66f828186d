import pytest

from index.errors import InvalidSearchParams
from index.kinds.cagra import CagraKind
from index.kinds.graph_search import LARGEST_EF, GraphSearch
from index.kinds.hnsw import HnswKind

GRAPHS = [HnswKind(), CagraKind()]


@pytest.mark.parametrize("kind", GRAPHS, ids=lambda kind: kind.kind)
def test_a_search_widens_by_doubling_until_more_links_are_the_better_spending(kind: GraphSearch) -> None:
    widths = [kind.setting()["ef_search"]]
    while further := kind.wider():
        (kind,) = further
        widths.append(kind.setting()["ef_search"])
    assert widths == [64, 128, 256, 512, LARGEST_EF]


@pytest.mark.parametrize("kind", GRAPHS, ids=lambda kind: kind.kind)
def test_a_request_overrides_the_width_and_nothing_else(kind: GraphSearch) -> None:
    parameters = kind.parameters({"ef_search": 33})
    assert parameters is not None
    assert (parameters.efSearch, parameters.bounded_queue) == (33, True)
    with pytest.raises(InvalidSearchParams, match="'m' is not known"):
        kind.parameters({"m": 4})
