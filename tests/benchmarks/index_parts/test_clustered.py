import numpy as np

from benchmarks.index_parts.clustered import ROWS_AT_A_TIME, Mixture


def test_vectors_have_unit_length_in_few_directions_and_come_again_by_seed() -> None:
    vectors_ND = Mixture(128).draw(2_000, 1)
    np.testing.assert_allclose(np.linalg.norm(vectors_ND, axis=1), 1, atol=1e-5)
    energy_D = np.linalg.svd(vectors_ND, compute_uv=False) ** 2
    assert energy_D[:48].sum() / energy_D.sum() > 0.99
    np.testing.assert_array_equal(vectors_ND, Mixture(128).draw(2_000, 1))


def test_another_draw_is_of_the_same_clusters_and_another_mixture_is_not() -> None:
    corpus_ND = Mixture(64).draw(5_000, 1)

    def nearest(queries_QD: np.ndarray) -> float:
        return float((queries_QD @ corpus_ND.T).max(axis=1).mean())

    same, other = Mixture(64).draw(100, 2), Mixture(64, seed=9).draw(100, 2)
    assert not np.array_equal(same, corpus_ND[:100])
    assert nearest(same) > nearest(other) + 0.1


def test_rows_beyond_one_portion_are_drawn() -> None:
    vectors_ND = Mixture(8).draw(ROWS_AT_A_TIME + 2, 1)
    assert len(np.unique(vectors_ND[-2:], axis=0)) == 2
    np.testing.assert_allclose(np.linalg.norm(vectors_ND[-2:], axis=1), 1, atol=1e-5)
