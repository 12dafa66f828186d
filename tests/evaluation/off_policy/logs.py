"""A small log by hand, and a large one from known rewards."""

import numpy as np

from evaluation.off_policy.log import FloatArray, ImpressionLog

HAND = ImpressionLog(
    ("a", "b"),
    1,
    np.array([0, 0, 1, 1]),
    np.zeros(4, dtype=np.int64),
    np.array([1.0, 0.0, 1.0, 0.0]),
    np.array([0.8, 0.8, 0.2, 0.2]),
)


def simulated(
    seed: int, count: int, n_items: int = 6, n_places: int = 2
) -> tuple[ImpressionLog, FloatArray, FloatArray]:
    """A log of `count` impressions; the true reward [K, A] of each item at each place; a new policy [K, A]."""
    random = np.random.default_rng(seed)
    reward_KA = np.linspace(0.05, 0.6, n_items) / np.arange(1, n_places + 1)[:, None]
    logging_KA = random.dirichlet(np.full(n_items, 5.0), n_places)
    new_KA = random.dirichlet(np.full(n_items, 2.0), n_places)
    place_N = random.integers(0, n_places, count)
    item_N = (random.random((count, 1)) > logging_KA.cumsum(axis=1)[place_N]).sum(axis=1)
    reward_N = (random.random(count) < reward_KA[place_N, item_N]).astype(np.float64)
    ids = tuple(f"item-{i}" for i in range(n_items))
    log = ImpressionLog(ids, n_places, item_N, place_N, reward_N, logging_KA[place_N, item_N])
    return log, reward_KA, new_KA
