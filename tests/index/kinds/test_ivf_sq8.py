import faiss
import numpy as np

from index.corpus import Corpus
from index.kinds.ivf_sq8 import IvfSq8Kind
from tests.contracts.index_kind import clustered


def test_a_stored_vector_is_off_by_less_than_one_of_256_steps_in_every_dimension() -> None:
    vectors_ND = clustered(1_000)
    index = IvfSq8Kind(nlist=8, sample_per_list=125).build(Corpus(vectors_ND), 0)
    index.make_direct_map()
    _, cell_N1 = index.quantizer.search(vectors_ND, 1)
    rest_ND = vectors_ND - index.quantizer.reconstruct_n(0, 8)[cell_N1[:, 0]]
    step_D = (rest_ND.max(axis=0) - rest_ND.min(axis=0)) / 255
    assert (np.abs(index.reconstruct_n(0, 1_000) - vectors_ND) <= step_D + 1e-6).all()
    assert index.sq.qtype == faiss.ScalarQuantizer.QT_8bit
