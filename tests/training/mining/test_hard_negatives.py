"""Hard negatives in a whole run: they begin when asked, grow harder, and a stopped run repeats them."""

from pathlib import Path

import numpy as np
import pytest

from tests.training.hook_world import context_of, learn_and_resume, point_dataset, point_settings, points
from tests.training.world import shop_config, write_shop
from training.dataset import load_dataset
from training.mining.hard_negatives import HardNegatives
from training.mining.miner import HardNegativesConfig


@pytest.mark.parametrize("search", ["exact", "faiss"])
def test_a_run_with_hard_negatives_learns_logs_and_resumes_to_equal_weights(tmp_path: Path, search: str) -> None:
    config = shop_config(
        hard_negatives={"per_query": 6, "per_step": 2, "sampling": "random", "depth": 30, "search": search, "every": 2},
        trainer={"epochs": 4, "refit": "none", "patience": 9},
    )
    dataset = load_dataset(config.data, write_shop(tmp_path))
    learned = learn_and_resume(config, dataset, config.split.split(dataset), tmp_path / "run", stop_after=2)
    logs = [log.logs for log in learned.logs]
    assert ["mined_score" in log for log in logs] == [False, True, False, True]
    assert logs[1]["mined_queries"] > 0.5
    assert 0 < logs[1]["mined_filtered"] < 1
    assert max(log.metrics["recall@10"] for log in learned.logs) > 0.3


def test_mined_items_join_the_pool_of_their_query_and_are_no_positive_of_it() -> None:
    rng = np.random.default_rng(0)
    pairs = [(query, int(item)) for query in range(20) for item in rng.choice(50, 3, replace=False)]
    context = context_of(point_dataset(points(20, 4, 0), points(50, 4, 1), pairs), point_settings(4))
    hook = HardNegatives(HardNegativesConfig(start_epoch=0, per_query=4, per_step=4, relative_margin=None), context)
    plain = context.batches.batch(np.array([0, 3]), rng)
    assert hook.before_epoch(0)["mined_queries"] == 1
    batch = context.batches.batch(np.array([0, 3]), rng)
    assert len(plain.item_rows_M) < len(batch.item_rows_M) <= len(plain.item_rows_M) + 8
    known = {0: {item for query, item in pairs if query == 0}, 1: {item for query, item in pairs if query == 1}}
    candidates = hook.state()["candidates"]
    for query in (0, 1):
        mined = candidates["values"][candidates["offsets"][query] : candidates["offsets"][query + 1]].tolist()
        assert len(mined) == 4
        assert not set(mined) & known[query]
        assert set(mined) <= set(batch.item_rows_M.tolist())
