import numpy as np
import pytest

from bundle.errors import ConfigError
from index.corpus import Corpus
from index.kinds.ivf_flat import IvfFlatKind
from tests.contracts.index_kind import clustered, exact, searcher


@pytest.mark.parametrize(("count", "nlist"), [(1, 1), (20_001, 512), (100_000, 1_024), (1_000_000, 4_096)])
def test_the_number_of_cells_is_the_power_of_two_near_four_roots(count: int, nlist: int) -> None:
    assert IvfFlatKind().resolve(Corpus(np.empty((count, 1), dtype=np.float32))).nlist == nlist


def test_more_cells_than_items_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="1000"):
        IvfFlatKind(nlist=1_000).resolve(Corpus(clustered(999)))


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


def test_cells_are_learnt_from_a_sample_that_the_seed_draws() -> None:
    vectors_ND = clustered(2_000)
    kind = IvfFlatKind(nlist=16, sample_per_list=8)
    built = [kind.build(Corpus(vectors_ND), seed) for seed in (0, 0, 1)]
    first, again, other = (index.quantizer.reconstruct_n(0, 16) for index in built)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
