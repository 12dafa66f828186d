"""The requests of the page for those who come from Qdrant are answered."""

import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bundle.workspace import Workspace
from index.build import build_index
from index.config import BuildConfig
from index.store import activate
from tests.service.conftest import settings_for
from tests.service.running import LiveApp
from tests.service.tiny import titles, write_tiny_bundle

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "migrate-from-qdrant.md").read_text()
REQUESTS = [json.loads(line) for line in re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)[1].splitlines()]  # type: ignore[index]
ITEM_IDS = ["85123A", "22423", "47566", *map(str, range(97))]


def test_the_requests_of_the_page_are_answered(tmp_path: Path) -> None:
    collection = Workspace(tmp_path).collection("shop")
    write_tiny_bundle(collection)
    items = {"item_id": ITEM_IDS, "title": titles(100), "price": [float(n % 10) for n in range(100)]}
    pq.write_table(pa.table(items), tmp_path / "items.parquet")
    activate(collection, build_index(collection, BuildConfig(collection="shop", items=tmp_path / "items.parquet")))
    with LiveApp(settings_for(tmp_path)) as app:
        app.ready()
        filtered, recommended = [app.post("search", body) for body in REQUESTS]
    assert filtered.status_code == recommended.status_code == 200, (filtered.text, recommended.text)
    hits = filtered.json()["results"][0]["hits"]
    assert len(hits) == 5 and all(hit["attributes"]["price"] < 5 for hit in hits)
    assert not {"85123A", "22423", "47566"} & {hit["item_id"] for hit in recommended.json()["results"][0]["hits"]}
