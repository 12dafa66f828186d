from typing import Literal

import faiss
import numpy as np
import pytest

from index.corpus import Corpus
from index.kinds.ivf_rabitq import QUERY_BITS, IvfRabitqKind
from tests.contracts.index_kind import clustered


@pytest.mark.parametrize(("bits", "bytes_128", "bytes_384"), [(1, 32, 64), (4, 92, 220)])
def test_codes_are_small(bits: Literal[1, 4], bytes_128: int, bytes_384: int) -> None:
    kind = IvfRabitqKind(bits=bits)
    assert (kind.bytes_per_item(128), kind.bytes_per_item(384)) == (bytes_128, bytes_384)


@pytest.mark.parametrize("bits", [1, 4])
@pytest.mark.parametrize("dimension", [8, 12, 31])
def test_bytes_hold_for_dimensions_that_fill_no_byte(bits: Literal[1, 4], dimension: int) -> None:
    vectors_ND = np.random.default_rng(0).standard_normal((300, dimension)).astype(np.float32)
    kind = IvfRabitqKind(bits=bits, nlist=4)
    index = kind.build(Corpus(vectors_ND), 0)
    assert kind.bytes_per_item(dimension) == faiss.downcast_index(index.index).code_size + 8


def test_a_search_quantizes_its_query_to_four_bits_whatever_the_index_says() -> None:
    """A float query takes fifty times longer and finds no more."""
    kind, query_BD = IvfRabitqKind(nlist=8, nprobe=8), clustered(20, seed=3)
    index = kind.build(Corpus(clustered(500)), 0)
    lists = faiss.downcast_index(index.index)
    assert lists.qb == QUERY_BITS == 4
    expected = index.search(query_BD, 10)[0]
    lists.qb = 0
    assert not np.array_equal(index.search(query_BD, 10)[0], expected)
    np.testing.assert_array_equal(index.search(query_BD, 10, params=kind.parameters({}))[0], expected)


def test_vectors_are_rotated_first_by_a_rotation_that_the_seed_draws() -> None:
    rotations = []
    for seed in (0, 0, 1):
        index = IvfRabitqKind(nlist=4).build(Corpus(clustered(300)), seed)
        rotations.append(faiss.vector_to_array(faiss.downcast_VectorTransform(index.chain.at(0)).A).reshape(16, 16))
    np.testing.assert_allclose(rotations[0] @ rotations[0].T, np.eye(16), atol=1e-5)
    np.testing.assert_array_equal(rotations[0], rotations[1])
    assert not np.allclose(rotations[0], rotations[2])


def test_four_bits_rank_codes_better_than_one() -> None:
    vectors_ND, query_BD = clustered(2_000), clustered(50, seed=4)
    errors = []
    for bits in (1, 4):
        kind = IvfRabitqKind(bits=bits, nlist=8, nprobe=8)
        index = kind.build(Corpus(vectors_ND), 0)
        scores_BK, rows_BK = index.search(query_BD, 10, params=kind.parameters({}))
        errors.append(np.abs(scores_BK - np.einsum("bd,bkd->bk", query_BD, vectors_ND[rows_BK])).mean())
    assert errors[1] < errors[0] / 2
