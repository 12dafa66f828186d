"""Every kind of negatives against the contract, and each kind's own promise."""

from typing import get_args

import numpy as np
import pytest

from tests.contracts.negatives import N_ITEMS, NegativesContract, counts, targets
from training.errors import BadData
from training.negatives import NegativesConfig, Pool
from training.negatives.catalogue import CatalogueConfig
from training.negatives.contract import with_certain
from training.negatives.in_batch import InBatchConfig
from training.negatives.popularity import PopularityConfig
from training.negatives.uniform import UniformConfig

CONFIGS: list[NegativesConfig] = [
    InBatchConfig(),
    UniformConfig(n=20),
    UniformConfig(n=20, in_batch=True),
    PopularityConfig(n=30),
    PopularityConfig(n=30, power=0.5, in_batch=True),
    CatalogueConfig(),
]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"{c.kind}-{getattr(c, 'in_batch', '')}")
class TestEveryNegatives(NegativesContract):
    pass


def test_every_kind_is_under_the_contract() -> None:
    assert {type(config) for config in CONFIGS} == set(get_args(get_args(NegativesConfig)[0]))


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_in_batch_counts_a_repeated_target_and_gives_it_its_share_of_training() -> None:
    pool = InBatchConfig().build(np.array([4, 2, 2, 2])).pool(np.array([0, 3, 0]), rng())
    assert pool.item_rows_M.tolist() == [0, 3]
    assert pool.draws_M.tolist() == [2, 1]
    assert pool.logq_M is not None
    np.testing.assert_allclose(np.exp(pool.logq_M), [0.4, 0.2], rtol=1e-6)


def test_uniform_draws_are_all_different_and_targets_are_not_negatives() -> None:
    pool = UniformConfig(n=20).build(counts()).pool(targets(0), rng())
    assert pool.logq_M is None
    assert pool.draws_M.max() == 1
    assert pool.draws_M.sum() == 20


def test_more_uniform_draws_than_items_are_the_catalogue() -> None:
    pool = UniformConfig(n=1000).build(counts()).pool(targets(0), rng())
    assert len(pool.item_rows_M) == N_ITEMS


def test_a_mixture_has_the_probability_of_both_sources() -> None:
    """Four targets and four uniform draws: half popularity, half uniform over five items."""
    pool = UniformConfig(n=4, in_batch=True).build(np.array([3, 1, 0, 0, 0])).pool(np.array([0, 0, 1, 0]), rng())
    assert pool.logq_M is not None
    q = dict(zip(pool.item_rows_M.tolist(), np.exp(pool.logq_M).tolist(), strict=True))
    assert q[0] == pytest.approx(0.5 * 0.75 + 0.5 * 0.2)
    assert q[1] == pytest.approx(0.5 * 0.25 + 0.5 * 0.2)
    assert all(q[row] == pytest.approx(0.1) for row in q if row > 1)


def test_a_power_of_zero_draws_what_training_saw_alike() -> None:
    pool = PopularityConfig(n=500, power=0).build(np.array([9, 1, 0])).pool(np.array([0]), rng())
    assert pool.item_rows_M.tolist() == [0, 1]
    assert pool.logq_M is not None
    np.testing.assert_allclose(np.exp(pool.logq_M), [0.5, 0.5])


def test_a_power_below_zero_draws_rare_items_more_and_never_one_without_a_count() -> None:
    pool = PopularityConfig(n=500, power=-1).build(np.array([9, 1, 0])).pool(np.array([0]), rng())
    assert pool.item_rows_M.tolist() == [0, 1]
    assert pool.logq_M is not None
    np.testing.assert_allclose(np.exp(pool.logq_M), [0.1, 0.9], rtol=1e-6)


def test_popularity_without_any_count_is_refused() -> None:
    with pytest.raises(BadData, match="negatives"):
        InBatchConfig().build(np.zeros(3, dtype=np.int64))


def test_an_item_that_is_there_for_certain_counts_as_one_negative_among_the_draws() -> None:
    q_N = np.array([0.05, 0, 0.6, 0, 0, 0.1, 0, 0.2, 0, 0.05])
    pool = Pool(np.array([2, 5, 7]), np.array([3, 0, 1]), q_N)
    more = with_certain(pool, np.array([5, 9, 2]))
    assert more.item_rows_M.tolist() == [2, 5, 7, 9]
    assert more.draws_M.tolist() == [3, 1, 1, 1]
    assert more.certain_M is not None
    assert more.certain_M.tolist() == [False, True, False, True]
    assert more.logq_M is not None  # a target, as 5 is here, is corrected by the sampler's probability
    np.testing.assert_allclose(np.exp(more.logq_M), [0.6, 0.1, 0.2, 0.05], rtol=1e-6)
