import re
from pathlib import Path

import httpx
import pytest

from bundle.workspace import Collection, Workspace
from index.shadow import read_shadow
from index.store import current
from service.schemas.shadow import ShadowInfo
from tests.service.conftest import settings_for
from tests.service.processes import serving_process
from tests.service.running import LiveApp, flip_byte, wait_until
from tests.service.tiny import build_tiny_index, ids, make_collection

KEY = "an-admin-key-for-tests"
SIGNED = {"authorization": f"Bearer {KEY}"}
PATH = "/v1/collections/shop/shadow"


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    collection = Workspace(tmp_path).collection("shop")
    make_collection(collection, tmp_path, count=30, prefix="a")
    return collection


@pytest.fixture
def candidate(collection: Collection, tmp_path: Path) -> str:
    return build_tiny_index(collection, tmp_path, ids("a", 20))


def _app(tmp_path: Path) -> LiveApp:
    reload = {"poll_seconds": 60}
    return LiveApp(settings_for(tmp_path, security={"admin_key": KEY}, reload=reload, shadow={"core_share": 0.5}))


def test_a_trial_is_started_seen_and_ended(collection: Collection, candidate: str, tmp_path: Path) -> None:
    with _app(tmp_path) as app:
        app.ready()
        assert app.get(PATH).json()["status"] == "off"
        started = app.post("shadow", {"version": candidate, "share": 1}, headers=SIGNED)
        assert started.status_code == 200, started.text
        info = ShadowInfo.model_validate(started.json())
        assert (info.status, info.candidate_version, info.index_version) == ("running", candidate, current(collection))
        assert app.post("search", {"queries": [{"text": "mug"}, {"text": "lamp"}]}).status_code == 200
        wait_until(lambda: app.get(PATH).json()["searches"]["compared"] == 1)  # one query of a request
        again = app.post("shadow", {"version": candidate, "share": 0.5}, headers=SIGNED).json()
        assert (again["share"], again["searches"]["compared"]) == (0.5, 0)
        ended = app.run(app.client.delete(PATH, headers=SIGNED))
        assert (ended.status_code, ended.json()["status"]) == (200, "off")
        assert read_shadow(collection) is None
        assert app.get(PATH).json()["status"] == "off"


def test_only_an_admin_starts_and_ends_one(candidate: str, tmp_path: Path) -> None:
    with _app(tmp_path) as app:
        app.ready()
        assert app.post("shadow", {"version": candidate}).status_code == 401
        assert app.run(app.client.delete(PATH)).status_code == 401
        assert app.get(PATH).json()["status"] == "off"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"version": "nope"}, 404, "version-not-found"),
        ({"version": "../../etc"}, 422, "invalid-name"),
        ({"version": "active"}, 409, "already-active"),
        ({"version": "x", "share": 0}, 422, "invalid-request"),
        ({"version": "x", "share": 1.5}, 422, "invalid-request"),
        ({}, 422, "invalid-request"),
        ({"version": "damaged"}, 503, "version-corrupt"),
    ],
)
def test_what_cannot_be_tried_is_refused(
    collection: Collection, candidate: str, tmp_path: Path, body: dict[str, object], status: int, code: str
) -> None:
    flip_byte(collection.index(candidate) / "ids.arrow")
    named = {"active": current(collection), "damaged": candidate}
    with _app(tmp_path) as app:
        app.ready()
        answer = app.post("shadow", {**body, **{k: named.get(str(v), v) for k, v in body.items()}}, headers=SIGNED)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert read_shadow(collection) is None


def test_worker_processes_try_one_candidate_and_tell_of_all(
    candidate: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TANDEM_SHADOW__CORE_SHARE", "0.5")
    with (tmp_path / "log").open("wb") as stderr, serving_process(tmp_path, tmp_path, stderr, workers=2) as server:
        url = server.url
        body = {"version": candidate, "share": 1}
        assert httpx.post(f"{url}{PATH}", json=body, headers=SIGNED).status_code == 200

        def seen() -> ShadowInfo:
            search = {"item_ids": ["a-00001"]}  # a new connection each time, so that both workers are met
            assert httpx.post(f"{url}/v1/collections/shop/search", json=search).status_code == 200
            return ShadowInfo.model_validate(httpx.get(f"{url}{PATH}").json())

        def counted() -> float:
            found = re.search(r'shadow_searches_total{[^}]*compared"} (\d+)', httpx.get(f"{url}/metrics").text)
            return float(found[1]) if found else 0.0

        wait_until(lambda: (one := seen().searches) is not None and one.compared >= 10)
        wait_until(
            lambda: (
                {httpx.get(f"{url}{PATH}").json()["searches"]["compared"] for _ in range(8)} == {counted()}
                and 'tandem_shadow_overlap{collection="shop"} ' in httpx.get(f"{url}/metrics").text
            )
        )
        assert httpx.delete(f"{url}{PATH}", headers=SIGNED).json()["status"] == "off"
