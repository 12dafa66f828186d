import numpy as np

from index.kinds.flat import FlatKind
from tests.contracts.index_kind import clustered, exact, searcher


def test_flat_search_is_exact() -> None:
    vectors_ND, query_BD = clustered(1_000), clustered(40, seed=5)
    np.testing.assert_array_equal(
        searcher(FlatKind(), vectors_ND).search(query_BD, 10)[1], exact(query_BD, vectors_ND, 10)
    )


def test_flat_has_nothing_to_tune() -> None:
    assert FlatKind().wider() == []
    assert FlatKind().variants() == [FlatKind()]
    assert FlatKind().parameters({}) is None
