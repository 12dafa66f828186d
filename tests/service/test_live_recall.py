from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bundle.workspace import Workspace
from service.estimate import Estimate
from service.live_recall import LiveRecall, Searched
from tests.service.conftest import settings_for
from tests.service.running import LiveApp, wait_until
from tests.service.tiny import make_collection


def searched(rows: list[int], version: str = "v1") -> Searched:
    vectors_ND = np.eye(4, dtype=np.float32)
    return Searched("shop", version, vectors_ND, np.array([4, 3, 2, 1], dtype=np.float32), np.array(rows), None)


class Told:
    """A checker and what it told."""

    def __init__(self) -> None:
        self.estimates: list[tuple[str, Estimate]] = []
        self.live = LiveRecall(0.5, lambda name, one: self.estimates.append((name, one)))
        self.live.start()

    def check(self, one: Searched) -> Estimate:
        before = len(self.estimates)
        self.live.offer(one)
        wait_until(lambda: len(self.estimates) > before)
        return self.estimates[-1][1]


@pytest.fixture
def told() -> Iterator[Told]:
    told = Told()
    yield told
    told.live.stop()


def test_the_mean_is_over_the_searches_of_one_version(told: Told) -> None:
    assert told.check(searched([0, 1])).mean == 1
    second = told.check(searched([0, 3]))
    assert (second.mean, second.n_searches) == (0.75, 2)
    other = told.check(searched([3, 2], version="v2"))
    assert (other.mean, other.n_searches) == (0, 1)
    assert {name for name, _ in told.estimates} == {"shop"}


def test_real_searches_become_a_gauge(tmp_path: Path) -> None:
    make_collection(Workspace(tmp_path).collection("shop"), tmp_path, count=30)
    with LiveApp(settings_for(tmp_path, live_recall={"core_share": 0.5})) as app:
        app.ready()
        for body in ({"queries": [{"text": "old lamp"}]}, {"item_ids": ["a-00001"]}):
            assert app.post("search", body).status_code == 200
        wait_until(lambda: 'tandem_index_recall{collection="shop"} 1.0' in app.get("/metrics").text)
        assert 'tandem_index_recall_low{collection="shop"}' in app.get("/metrics").text
