import numpy as np

from index.kinds.ivf_flat import IvfFlatKind
from tests.contracts.index_kind import clustered, exact, searcher


def test_searching_every_cell_is_exact_and_one_cell_is_not() -> None:
    vectors_ND, query_BD = clustered(2_000), clustered(60, seed=7)
    rows = searcher(IvfFlatKind(nlist=64), vectors_ND)
    truth = exact(query_BD, vectors_ND, 5)
    assert (np.sort(rows.search(query_BD, 5, {"nprobe": 64})[1]) == np.sort(truth)).all()
    assert not (np.sort(rows.search(query_BD, 5, {"nprobe": 1})[1]) == np.sort(truth)).all()


def test_an_answer_that_the_probed_cells_leave_short_is_completed_exactly() -> None:
    vectors_ND, query_BD = clustered(500), clustered(9, seed=8)
    _, rows_BK = searcher(IvfFlatKind(nlist=64), vectors_ND).search(query_BD, 400, {"nprobe": 1})
    np.testing.assert_array_equal(np.sort(rows_BK), np.sort(exact(query_BD, vectors_ND, 400)))
