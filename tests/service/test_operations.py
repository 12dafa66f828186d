from pathlib import Path

import numpy as np
import pytest

from bundle.errors import InvalidRecord, UnknownItem
from bundle.workspace import Workspace
from index.store import current
from service.batching import Stages
from service.loaded import Loaded, load
from service.operations.joined import each, embed_joined
from tests.service.conftest import settings_for


@pytest.fixture(scope="module")
def loaded(shop_root: Path) -> Loaded:
    collection = Workspace(shop_root).collection("shop")
    return load(collection, str(current(collection)), settings_for(shop_root), None)


def test_joined_records_get_what_they_get_alone(loaded: Loaded) -> None:
    tower = loaded.bundle.query
    payloads = [[{"text": "red mug"}], [{"text": "a much longer text of many more words"}, {"text": "lamp"}]]
    joined = embed_joined(tower, payloads, Stages())
    for part, records in zip(joined, payloads, strict=True):
        assert not isinstance(part, Exception)
        np.testing.assert_allclose(part, tower.embed(records), atol=1e-6)


def test_a_bad_record_fails_its_own_payload_with_its_own_position(loaded: Loaded) -> None:
    payloads: list[list[dict[str, object]]] = [
        [{"text": "red"}],
        [{"text": "mug"}, {"text": 3}],
        [{"nope": 1}],
        [{"text": "lamp"}],
    ]
    outcomes = embed_joined(loaded.bundle.query, payloads, Stages())
    assert isinstance(outcomes[1], InvalidRecord) and "record 1" in outcomes[1].message
    assert isinstance(outcomes[2], InvalidRecord) and "record 0" in outcomes[2].message
    for outcome, text in ((outcomes[0], "red"), (outcomes[3], "lamp")):
        assert isinstance(outcome, np.ndarray)
        np.testing.assert_allclose(outcome, loaded.bundle.query.embed([{"text": text}]), atol=1e-6)


def test_when_all_are_bad_nothing_runs(loaded: Loaded) -> None:
    outcomes = embed_joined(loaded.bundle.query, [[{}], [{"x": 1}]], Stages())
    assert all(isinstance(outcome, InvalidRecord) for outcome in outcomes)


def test_only_domain_errors_stay_with_their_payload() -> None:
    def work(value: int) -> int:
        if value == 1:
            raise UnknownItem("one")
        return 10 // value

    outcomes = each([2, 1, 5], work)
    assert outcomes[0] == 5 and isinstance(outcomes[1], UnknownItem) and outcomes[2] == 2
    with pytest.raises(ZeroDivisionError):
        each([0], work)
