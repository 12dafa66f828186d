"""Two opinions, one weight."""

import numpy as np
import pytest

from training.errors import BadData
from training.noise.consensus import consensus

FIRST, SECOND = np.array([0.9, 0.8, 0.1, 0.2]), np.array([0.7, 0.3, 0.6, 0.1])


def test_agreement_decides_and_doubt_is_the_mean() -> None:
    found = consensus(FIRST, SECOND, "soft", np.random.default_rng(0))
    raw_N = np.array([1, 0.55, 0.35, 0])
    np.testing.assert_allclose(found.weight_N, raw_N / raw_N.mean(), rtol=1e-6)
    assert found.weight_N.mean() == pytest.approx(1)
    assert (found.clean, found.noisy, found.unsure) == (0.25, 0.25, 0.5)


def test_a_hard_consensus_throws_a_coin_for_those_in_doubt() -> None:
    weights = [consensus(FIRST, SECOND, "hard", np.random.default_rng(seed)).weight_N for seed in range(40)]
    for weight_N in weights:
        assert weight_N.mean() == pytest.approx(1)
        assert weight_N[0] > 0 and weight_N[3] == 0
    heads = np.mean([weight_N[1] > 0 for weight_N in weights])
    assert 0.25 < heads < 0.75
    again = consensus(FIRST, SECOND, "hard", np.random.default_rng(7)).weight_N
    np.testing.assert_array_equal(again, weights[7])


def test_no_clean_example_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(BadData, match=r"noise\.start_epoch"):
        consensus(np.array([0.1, 0.2]), np.array([0.3, 0.1]), "soft", np.random.default_rng(0))
