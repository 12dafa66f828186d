"""The mixture over losses: two heaps are told apart, one heap gives a little away, no heap tells nothing."""

import numpy as np
import pytest

from training.errors import Diverged
from training.noise.mixture import MixtureConfig, divide


def test_two_heaps_are_told_apart_whatever_their_scale() -> None:
    rng = np.random.default_rng(0)
    loss_N = np.concatenate([rng.normal(1, 0.2, 600), rng.normal(4, 0.5, 400)]).astype(np.float32)
    for scale in (1, 1e-3, 1e4):
        clean_N = divide(loss_N * np.float32(scale), MixtureConfig(), seed=0).clean_N
        assert (clean_N[:600] > 0.5).mean() > 0.99
        assert (clean_N[600:] < 0.5).mean() > 0.99


def test_one_heap_is_clean_unless_a_division_is_asked_for() -> None:
    loss_N = np.random.default_rng(0).normal(1, 0.2, 1000).astype(np.float32)
    found = divide(loss_N, MixtureConfig(), seed=0)
    assert found.separation < 2
    assert (found.clean_N == 1).all()
    forced_N = divide(loss_N, MixtureConfig(separation=0), seed=0).clean_N
    assert (forced_N <= 0.5).mean() > 0.1


def test_where_a_division_finds_nobody_noisy_the_least_clean_hundredth_is() -> None:
    loss_N = np.array([0.0] * 297 + [0.4, 0.5, 1.0], dtype=np.float32)
    blurred = MixtureConfig(least_variance=100.0, separation=0)  # so wide that the larger component claims all
    clean_N = divide(loss_N, blurred, seed=0).clean_N
    assert (clean_N <= 0.5).sum() == 3


def test_equal_losses_tell_nothing_and_a_broken_loss_is_an_error() -> None:
    assert divide(np.full(10, 0.3, np.float32), MixtureConfig(), seed=0).clean_N.tolist() == [1.0] * 10
    with pytest.raises(Diverged, match="not finite"):
        divide(np.array([0.1, np.nan], dtype=np.float32), MixtureConfig(), seed=0)


def test_equal_seeds_give_equal_answers() -> None:
    loss_N = np.random.default_rng(1).gamma(2, size=300).astype(np.float32)
    first, second = (divide(loss_N, MixtureConfig(separation=0), seed=4).clean_N for _ in range(2))
    np.testing.assert_array_equal(first, second)
