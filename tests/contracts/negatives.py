"""What every kind of negatives owes the batches."""

import numpy as np
from pydantic import TypeAdapter

from training.negatives import NegativesConfig, Pool
from training.ragged import IntArray

N_ITEMS = 50


def counts() -> IntArray:
    return (np.arange(N_ITEMS, dtype=np.int64) ** 2) % 17


def targets(seed: int, n: int = 12) -> IntArray:
    possible = np.flatnonzero(counts())
    return np.random.default_rng(seed).choice(possible, n).astype(np.int64)


class NegativesContract:
    """Subclass with a `config` fixture."""

    def pool(self, config: NegativesConfig, seed: int = 0) -> Pool:
        return config.build(counts()).pool(targets(seed), np.random.default_rng(seed))

    def test_the_pool_holds_each_item_once_in_order_and_all_targets(self, config: NegativesConfig) -> None:
        pool = self.pool(config)
        assert (np.diff(pool.item_rows_M) > 0).all()
        assert set(targets(0)) <= set(pool.item_rows_M)
        assert pool.item_rows_M.dtype == pool.draws_M.dtype == np.int64
        assert (pool.item_rows_M < N_ITEMS).all()

    def test_what_is_no_target_was_drawn(self, config: NegativesConfig) -> None:
        pool = self.pool(config)
        assert (pool.draws_M >= 0).all()
        assert set(pool.item_rows_M[pool.draws_M == 0]) <= set(targets(0))
        assert pool.draws_M.sum() > 0

    def test_equal_seeds_give_equal_pools(self, config: NegativesConfig) -> None:
        first, second = self.pool(config, 3), self.pool(config, 3)
        np.testing.assert_array_equal(first.item_rows_M, second.item_rows_M)
        np.testing.assert_array_equal(first.draws_M, second.draws_M)

    def test_log_probabilities_are_those_of_the_draws(self, config: NegativesConfig) -> None:
        sampler = config.build(counts())
        rng = np.random.default_rng(0)
        drawn_N, total, logq_N = np.zeros(N_ITEMS), 0, np.full(N_ITEMS, np.nan)
        popular = np.repeat(np.arange(N_ITEMS), counts())
        for _ in range(400):
            pool = sampler.pool(rng.choice(popular, 40), rng)
            drawn_N[pool.item_rows_M] += pool.draws_M
            total += pool.draws_M.sum()
            if pool.logq_M is not None:
                logq_N[pool.item_rows_M] = pool.logq_M
        seen_N = ~np.isnan(logq_N) & (drawn_N > 0)
        expected_N = np.exp(logq_N[seen_N]) if seen_N.any() else np.full(N_ITEMS, 1 / N_ITEMS)
        found_N = (drawn_N / total)[seen_N] if seen_N.any() else drawn_N / total
        np.testing.assert_allclose(found_N, expected_N, rtol=0.35, atol=2e-3)
        assert abs(expected_N.sum() - 1) < 1e-5

    def test_the_config_survives_json(self, config: NegativesConfig) -> None:
        adapter: TypeAdapter[NegativesConfig] = TypeAdapter(NegativesConfig)
        assert adapter.validate_json(config.model_dump_json()) == config
