import numpy as np
import pytest
from scipy import sparse

from tests.training.small_data import ints
from training.synthetic_queries.similarity import char_grams, near_duplicates, pair_cosines

TEXTS = ["red desk lamps", "red desk lamp", "garden chair", "red desk lamps cheap and good", "garden chair", "b"]


def test_rows_are_unit_and_alike_texts_are_close() -> None:
    rows = char_grams(TEXTS)
    cosine_NN = (rows @ rows.T).toarray()
    assert np.allclose(np.diag(cosine_NN), 1, atol=1e-6)
    assert cosine_NN[2, 4] == pytest.approx(1, abs=1e-6)
    assert cosine_NN[0, 1] > cosine_NN[0, 3] > cosine_NN[0, 2]
    assert np.allclose(pair_cosines(rows, ints(0, 2), ints(1, 4)), [cosine_NN[0, 1], 1], atol=1e-6)
    assert pair_cosines(rows, ints(), ints()).shape == (0,)


def test_the_first_of_near_duplicates_stays_in_each_group() -> None:
    rows = char_grams(TEXTS)
    everywhere = near_duplicates(rows, np.zeros(6, dtype=np.int64), 0.7)
    assert everywhere.tolist() == [False, True, False, False, True, False]
    apart = near_duplicates(rows, ints(0, 0, 1, 0, 2, 0), 0.7)
    assert apart.tolist() == [False, True, False, False, False, False]


def test_only_kept_texts_make_others_duplicates() -> None:
    """A chain: 1 is near 0, 2 is near 1 but not near 0, so 2 stays."""
    angle_N = np.array([0.0, 0.3, 0.6])
    rows = np.stack([np.cos(angle_N), np.sin(angle_N)], axis=1).astype(np.float32)
    assert near_duplicates(rows, ints(0, 0, 0), float(np.cos(0.4))).tolist() == [False, True, False]


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(200, 3)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    group_N = rng.integers(0, 3, 200)
    whole = near_duplicates(rows, group_N, 0.9)
    pairs = rng.integers(0, 200, (2, 500))
    cosines = pair_cosines(rows, *pairs)
    monkeypatch.setattr("training.synthetic_queries.similarity._BLOCK", 7)
    assert (near_duplicates(rows, group_N, 0.9) == whole).all()
    monkeypatch.setattr("training.synthetic_queries.similarity._SMALL", 200)
    assert (near_duplicates(rows, group_N, 0.9) == whole).all()
    assert (near_duplicates(sparse.csr_array(rows), group_N, 0.9) == whole).all()
    assert np.allclose(pair_cosines(rows, *pairs), cosines)
    kept = np.flatnonzero(~whole)
    same = (group_N[kept][:, None] == group_N[kept][None]) & ~np.eye(len(kept), dtype=bool)
    assert 0 < whole.sum() and ((rows[kept] @ rows[kept].T)[same] <= 0.9 + 1e-6).all()
