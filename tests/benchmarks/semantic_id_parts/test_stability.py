"""Codes kept over a retraining, where it is known how many must be."""

import numpy as np
import pytest

from benchmarks.semantic_id_parts.stability import MODES, QUALITY, projected, retrainings
from training.quantizers.residual import ResidualConfig
from training.ragged import FloatArray

CODES = ResidualConfig(levels=3, codebook_size=8)


@pytest.fixture(scope="module")
def content_ND() -> FloatArray:
    """300 items around 12 middles, at unit length."""
    rng = np.random.default_rng(0)
    row_ND = rng.normal(size=(12, 16))[rng.integers(0, 12, 300)] + 0.3 * rng.normal(size=(300, 16))
    unit_ND: FloatArray = (row_ND / np.linalg.norm(row_ND, axis=1, keepdims=True)).astype(np.float32)
    return unit_ND


@pytest.fixture(scope="module")
def known_N() -> np.ndarray:
    return np.random.default_rng(1).random(300) < 0.95


def measured(old_ND: FloatArray, new_ND: FloatArray, known_N: np.ndarray) -> dict[tuple[str, str], float]:
    return {(method, name): value for method, name, value in retrainings(old_ND, new_ND, known_N, 0, CODES)}


def test_every_mode_has_churn_by_prefix_and_quality(content_ND: FloatArray, known_N: np.ndarray) -> None:
    found = measured(content_ND, content_ND, known_N)
    names = {"churn@1", "churn@2", "churn@3", *QUALITY, "space_residual"}
    assert set(found) == {(method, name) for method in MODES for name in names}
    for method in MODES:
        assert found[method, "churn@1"] <= found[method, "churn@2"] <= found[method, "churn@3"]
        assert found[method, "space_residual"] == pytest.approx(0, abs=1e-5)
    assert found["warm-start-carried-over", "churn@3"] == 0  # equal vectors and codebooks: equal codes
    assert found["match", "churn@1"] < found["from-scratch", "churn@1"]
    assert found["match", "relative_error"] == pytest.approx(found["from-scratch", "relative_error"], rel=1e-5)


def test_a_space_that_only_turned_keeps_all_codes(content_ND: FloatArray, known_N: np.ndarray) -> None:
    turn_DD = np.linalg.qr(np.random.default_rng(2).normal(size=(16, 16)))[0].astype(np.float32)
    found = measured(content_ND, content_ND @ turn_DD, known_N)
    assert found["warm-start-carried-over", "churn@3"] <= 0.01
    assert found["match", "space_residual"] == pytest.approx(0, abs=1e-5)


def test_the_projection_repeats_and_learns_from_known_items_alone(content_ND: FloatArray, known_N: np.ndarray) -> None:
    one_Nd, again_Nd, other_Nd = (projected(content_ND, known_N, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one_Nd, again_Nd)
    assert np.abs(one_Nd - other_Nd).max() > 0.1
    np.testing.assert_allclose(np.linalg.norm(one_Nd, axis=1), 1, atol=1e-5)
    without_ND = np.where(known_N[:, None], content_ND, 0).astype(np.float32)
    np.testing.assert_array_equal(projected(without_ND, known_N, 0)[known_N], one_Nd[known_N])
