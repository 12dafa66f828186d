import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service.schemas.problem import Problem
from tests.service.conftest import settings_for
from tests.service.running import LiveApp


def test_a_route_that_does_not_exist_is_a_problem(shop: LiveApp) -> None:
    response = shop.get("/v2/nothing")
    problem = Problem.model_validate(response.json())
    assert (response.status_code, problem.status, problem.code) == (404, 404, "route-not-found")
    assert "/v2/nothing" in problem.detail


def test_a_wrong_method_is_a_problem(shop: LiveApp) -> None:
    response = shop.get("/v1/collections/shop/search")
    assert (response.status_code, response.json()["code"]) == (405, "method-not-allowed")
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize("with_length", [True, False])
def test_a_large_body_is_refused(shop: LiveApp, with_length: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield b" " * 1000

    content: object = b" " * 200_000 if with_length else chunks()
    response = shop.post("search", content=content)
    assert (response.status_code, response.json()["code"]) == (413, "body-too-large")
    assert "100000 bytes" in response.json()["detail"]


def test_request_ids_come_back(shop: LiveApp) -> None:
    assert shop.post("embed", {}, headers={"x-request-id": "mine-1"}).headers["x-request-id"] == "mine-1"
    first, second = shop.get("/livez"), shop.get("/livez")
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


def test_an_unexpected_failure_hides_its_message(shop_root: Path) -> None:
    with LiveApp(settings_for(shop_root)) as app:
        app.ready()
        app.app.state.serving.slots.get("shop").batcher = None  # a bug, as if
        response = app.post("search", {"queries": [{"text": "mug"}]})
        app.app.state.serving.slots.get("shop").batcher = _Gone()
    problem = Problem.model_validate(response.json())
    assert (response.status_code, problem.code) == (500, "retrieval-error")
    assert "submit" not in response.text
    assert problem.request_id in problem.detail


class _Gone:
    def close(self) -> None:
        pass


def test_overload_is_429_with_retry_after(shop_root: Path) -> None:
    with LiveApp(settings_for(shop_root, batching={"max_pending_records": 1, "retry_after_s": 4})) as app:
        app.ready()
        body = {"queries": [{"text": "red mug"}] * 8}
        responses = app.post_all("search", [body] * 20)
        refused = [response for response in responses if response.status_code == 429]
        assert refused and {response.status_code for response in responses} == {200, 429}
        assert {response.headers["retry-after"] for response in refused} == {"4"}
        assert 'tandem_shed_total{collection="shop",reason="overloaded"}' in app.get("/metrics").text
        assert app.post("search", body).status_code == 200


def test_serving_imports_no_torch(shop_root: Path) -> None:
    code = f"""
        import sys
        from pathlib import Path
        from service.settings import Settings
        from tests.service.running import LiveApp
        with LiveApp(Settings(workspace=Path({str(shop_root)!r}))) as app:
            app.ready()
            for route, body in [
                ("search", {{"queries": [{{"text": "mug"}}], "with": ["attributes", "semantic_id", "vector"]}}),
                ("embed", {{"records": [{{"text": "mug"}}]}}),
                ("rerank", {{"query": {{"text": "mug"}}, "item_ids": ["a-00001"]}}),
                ("semantic-ids", {{"prefix": []}}),
            ]:
                assert app.post(route, body).status_code == 200
        import service.server
        heavy = {{"torch", "transformers", "onnxscript", "training", "matplotlib", "scipy"}} & set(sys.modules)
        print(sorted(heavy))
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True, timeout=100
    )
    assert result.stdout.strip() == "[]"
