import numpy as np
import pytest

from training.stability.procrustes import residual, rotation


def test_a_planted_rotation_is_found() -> None:
    rng = np.random.default_rng(0)
    old_ND = rng.normal(size=(50, 4)).astype(np.float32)
    planted_DD = np.linalg.qr(rng.normal(size=(4, 4)))[0].astype(np.float32)
    found_DD = rotation(old_ND, old_ND @ planted_DD)
    np.testing.assert_allclose(found_DD, planted_DD, atol=1e-5)
    np.testing.assert_allclose(found_DD @ found_DD.T, np.eye(4), atol=1e-5)
    assert residual(old_ND @ found_DD, old_ND @ planted_DD) < 1e-9


def test_equal_spaces_are_left_alone_exactly() -> None:
    rows_ND = np.zeros((5, 3), dtype=np.float32)
    rows_ND[:, 0] = range(5)  # of rank 1, where any turn of the rest would do as well
    np.testing.assert_array_equal(rotation(rows_ND, rows_ND), np.eye(3))


def test_the_residual_by_hand() -> None:
    new_ND = np.array([[1.0], [-1.0]], dtype=np.float32)
    assert residual(np.array([[0.0], [0.0]], dtype=np.float32), new_ND) == pytest.approx(1)
    assert residual(np.array([[1.0], [0.0]], dtype=np.float32), new_ND) == pytest.approx(0.5)
    assert residual(new_ND, np.ones((2, 1), dtype=np.float32)) == 0
