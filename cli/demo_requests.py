"""The three requests of the demo, and how their answers are shown with item names."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from bundle.tables import read_table
from bundle.workspace import Collection
from cli.console import people, say
from cli.server_process import ServerFailed

ITEM_ID = "85123A"  # WHITE HANGING HEART T-LIGHT HOLDER, the shop's best-known item
CUSTOMER_ID = "12471"
HISTORY_SHOWN = 12
K = 5


@dataclass(frozen=True)
class DemoRequest:
    """One request to paste, and the least it must give."""

    title: str
    path: str
    body: dict[str, Any]
    least_hits: int


def demo_requests(collection: Collection, example: Path) -> list[DemoRequest]:
    """Similar items, next purchases of a customer, and the items under a semantic-ID prefix."""
    from index.version import open_current

    route = f"/v1/collections/{collection.name}"
    version = open_current(collection, verify=False)
    semantic_ids = version.semantic_ids([ITEM_ID])
    version.close()
    history, country = _customer(example)
    customer = {"query_id": CUSTOMER_ID, "country": country, "history": history}
    requests = [
        DemoRequest(
            f"items similar to {ITEM_ID}", f"{route}/search", {"item_ids": [ITEM_ID], "k": K, "with": ["attributes"]}, K
        ),
        DemoRequest(
            f"next purchases of customer {CUSTOMER_ID}",
            f"{route}/search",
            {"queries": [customer], "k": K, "with": ["attributes"]},
            K,
        ),
    ]
    if semantic_ids:
        prefix = "-".join(map(str, semantic_ids[0].codes[:1]))
        body = {"prefix": prefix, "k": K, "with": ["attributes"]}
        requests.append(DemoRequest(f"items under the semantic-ID prefix {prefix}", f"{route}/semantic-ids", body, 1))
    return requests


def show(request: DemoRequest, answer: Mapping[str, Any], url: str) -> None:
    """Print the request as a command line and what it gave; raises ServerFailed when it gave too little."""
    hits = answer["results"][0]["hits"] if "results" in answer else answer["items"]
    if len(hits) < request.least_hits:
        raise ServerFailed(f"{request.title}: {len(hits)} items, expected at least {request.least_hits}")
    say(f"\n{request.title}")
    command = (
        f"curl -s {url}{request.path} -H 'content-type: application/json' -d {shlex.quote(json.dumps(request.body))}"
    )
    people.print(command, style="dim", markup=False)
    for hit in hits:
        score = f"{hit['score']:.3f}  " if "score" in hit else ""
        say(f"  {hit['item_id']:<8} {score}{hit['attributes']['description']}")


def _customer(example: Path) -> tuple[list[str], str]:
    """The latest purchases of the demo's customer, oldest first, and the customer's country."""
    columns = {"query_id": "string", "item_id": "string", "timestamp": "timestamp"}
    table = read_table(example / "interactions.parquet", columns)  # type: ignore[arg-type]
    own = table.filter(pc.equal(table["query_id"], CUSTOMER_ID)).sort_by("timestamp")
    queries = read_table(example / "queries.parquet", {"query_id": "string", "country": "string"})
    country = queries.filter(pc.equal(queries["query_id"], CUSTOMER_ID))["country"][0].as_py()
    return own["item_id"].to_pylist()[-HISTORY_SHOWN:], country
