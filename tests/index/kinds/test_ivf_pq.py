import faiss
import numpy as np
import pytest

from bundle.errors import ConfigError
from index.corpus import Corpus
from index.kinds.ivf_pq import IvfPqKind
from tests.contracts.index_kind import clustered


@pytest.mark.parametrize(("dimension", "n_codes"), [(128, 32), (384, 96), (16, 4), (10, 2), (7, 1), (1, 1)])
def test_codes_are_the_largest_divisor_up_to_a_quarter_of_the_dimension(dimension: int, n_codes: int) -> None:
    assert IvfPqKind().resolve(Corpus(np.empty((9, dimension), dtype=np.float32))).n_codes == n_codes


def test_codes_that_do_not_divide_the_dimension_are_a_config_error() -> None:
    with pytest.raises(ConfigError, match=r"n_codes is 5.*dimension 16"):
        IvfPqKind(n_codes=5).resolve(Corpus(clustered(100)))


def test_more_codes_store_a_vector_more_closely() -> None:
    vectors_ND = clustered(2_000)
    errors = []
    for n_codes in (2, 8):
        index = IvfPqKind(nlist=8, n_codes=n_codes).build(Corpus(vectors_ND), 0)
        index.make_direct_map()
        errors.append(float(np.square(index.reconstruct_n(0, 2_000) - vectors_ND).mean()))
    assert errors[1] < errors[0] / 2


def test_the_seed_draws_the_codebooks() -> None:
    vectors_ND = clustered(2_000)
    kind = IvfPqKind(nlist=1)  # one cell, whose centre no seed moves
    built = [kind.build(Corpus(vectors_ND), seed) for seed in (0, 0, 1)]
    first, again, other = (faiss.vector_to_array(index.pq.centroids) for index in built)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
