"""The how-to's requests, on the example."""

import json
import re
from pathlib import Path
from typing import Any

from index.build import build_index
from index.config import BuildConfig
from index.filters.filter import Filter
from index.store import activate
from service.settings import ReloadSettings, Settings
from tests.flows.conftest import Trained
from tests.service.running import LiveApp

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "filter.md").read_text()
REQUESTS: list[dict[str, Any]] = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
CONDITIONS = [json.loads(text) for text in re.findall(r"^\| `(\{.*\})` \|", PAGE, re.MULTILINE)]


def test_the_requests_of_the_page_are_answered(trained: Trained) -> None:
    config = BuildConfig(collection=trained.collection.name, items=trained.tables / "items.parquet")
    activate(trained.collection, build_index(trained.collection, config))
    settings = Settings(workspace=trained.workspace.root, reload=ReloadSettings(poll_seconds=0.05))
    with LiveApp(settings) as app:
        app.ready()
        name = trained.collection.name
        answers = [app.post("search", {**body, "with": ["attributes"]}, collection=name) for body in REQUESTS]

    found = []
    for response, body in zip(answers, REQUESTS, strict=True):
        assert response.status_code == 200, response.text
        result = response.json()["results"][0]
        assert len(result["hits"]) == body["k"] or result["exhaustive"]
        assert result["hits"]
        found.append([hit["attributes"] for hit in result["hits"]])
    by_price, nested, unlike = found
    assert all(2 <= item["price"] < 5 for item in by_price)
    for item in nested:
        assert 1 < item["price"] <= 10 and ("MUG" in item["description"] or "RED" in item["description"])
    assert not any("CHRISTMAS" in item["description"] for item in unlike)


def test_the_conditions_of_the_page_are_in_the_grammar() -> None:
    assert len(CONDITIONS) == 8
    for condition in CONDITIONS:
        Filter.model_validate({"must": [condition]})
