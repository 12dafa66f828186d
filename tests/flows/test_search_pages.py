"""The how-to pages on hubs and on examples: their config builds, and their requests are answered."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bundle.config import validate_config
from bundle.workspace import Workspace
from index.build import build_index
from index.config import BuildConfig
from index.hubness.config import METHODS
from index.store import activate
from index.version import open_current
from service.schemas.search import SearchAnswer
from tests.service.conftest import settings_for
from tests.service.running import LiveApp
from tests.service.tiny import titles, write_tiny_bundle

PAGES = Path(__file__).parents[2] / "docs" / "how-to"
HUBS, EXAMPLES = ((PAGES / name).read_text() for name in ("reduce-hubs.md", "search-by-examples.md"))
(CONFIG,) = re.findall(r"```toml\n(.*?)```", HUBS, re.DOTALL)
REQUESTS = [
    line
    for page in (HUBS, EXAMPLES)
    for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    for line in block.splitlines()
]
ITEM_IDS = ["85123A", "22423", "47566", *map(str, range(97))]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    collection = Workspace(folder).collection("shop")
    write_tiny_bundle(collection)
    pq.write_table(pa.table({"item_id": ITEM_IDS, "title": titles(100)}), folder / "items.parquet")
    asked = pa.table({"text": titles(200, seed=3), "item_id": ITEM_IDS * 2})
    pq.write_table(asked, folder / "queries.parquet")
    config = validate_config(BuildConfig, tomllib.loads(CONFIG), "the page")
    activate(collection, build_index(collection, config, base=folder))
    return folder


@pytest.fixture(scope="module")
def served(root: Path) -> Iterator[LiveApp]:
    with LiveApp(settings_for(root)) as app:
        yield app.ready()


def test_the_config_of_the_page_measures_every_method(root: Path) -> None:
    version = open_current(Workspace(root).collection("shop"))
    report = version.manifest.hubness
    assert report is not None and report.is_tuned
    assert [measure.method for measure in report.measures] == ["off", *METHODS]
    named = re.findall(r"^\| `(\w+)` \|", HUBS, re.MULTILINE)
    assert named == list(METHODS)


@pytest.mark.parametrize("line", REQUESTS)
def test_the_requests_of_the_pages_are_answered(served: LiveApp, line: str) -> None:
    body: dict[str, Any] = orjson.loads(line)
    response = served.post("search", body)
    assert response.status_code == 200, response.text
    (result,) = SearchAnswer.model_validate(response.json()).results
    assert len(response.json()["results"][0]["hits"]) == 10 and not result.exhaustive


def test_the_requests_show_every_part() -> None:
    assert len(REQUESTS) == 5
    for part in ("all_of", "any_of", "none_of", "hubness"):
        assert any(f'"{part}"' in line for line in REQUESTS)
