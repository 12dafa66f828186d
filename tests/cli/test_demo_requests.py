import json
import shlex
from pathlib import Path

import pytest

from bundle.workspace import Collection, Workspace
from cli.demo_requests import CUSTOMER_ID, HISTORY_SHOWN, ITEM_ID, DemoRequest, demo_requests, show
from cli.server_process import ServerFailed
from index.build import build_index
from index.config import BuildConfig
from index.store import activate
from tests.tiny import tiny_bundle

EXAMPLE = Path(__file__).parents[2] / "examples" / "online-retail"


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    collection = Workspace(tmp_path).collection("shop")
    tiny_bundle(collection)
    (tmp_path / "items.csv").write_text(f"item_id,title\n{ITEM_ID},white heart\nb,blue lamp\n")
    activate(collection, build_index(collection, BuildConfig(collection="shop", items=tmp_path / "items.csv")))
    return collection


def test_the_three_requests_name_real_things(collection: Collection) -> None:
    similar, purchases, prefix = demo_requests(collection, EXAMPLE)
    assert similar.body["item_ids"] == [ITEM_ID]
    customer = purchases.body["queries"][0]
    assert (customer["query_id"], customer["country"], len(customer["history"])) == (
        CUSTOMER_ID,
        "Germany",
        HISTORY_SHOWN,
    )
    assert prefix.path.endswith("/semantic-ids")
    assert prefix.body["prefix"].isdigit()


def test_what_is_printed_can_be_pasted(capsys: pytest.CaptureFixture[str]) -> None:
    request = DemoRequest("items like it's", "/v1/search", {"text": "it's [bold]"}, 1)
    hit = {"item_id": "22423", "score": 0.5, "attributes": {"description": "CAKESTAND [3 TIER]"}}
    show(request, {"results": [{"hits": [hit]}]}, "http://127.0.0.1:1")
    shown = capsys.readouterr().err
    command = shlex.split(next(line for line in shown.splitlines() if line.startswith("curl")))
    assert json.loads(command[command.index("-d") + 1]) == request.body
    assert "22423    0.500  CAKESTAND [3 TIER]" in shown


def test_too_few_items_fail_the_demo() -> None:
    with pytest.raises(ServerFailed, match="0 items, expected at least 1"):
        show(DemoRequest("prefix 1", "/v1", {}, 1), {"items": []}, "http://127.0.0.1:1")
