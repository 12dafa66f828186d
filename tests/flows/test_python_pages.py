"""The how-to pages for Python callers: every block of code runs against a server."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bundle.workspace import Workspace
from service.settings import Settings
from tests.service.conftest import settings_for
from tests.service.running import listening
from tests.service.tiny import make_collection

PAGES = Path(__file__).parents[2] / "docs" / "how-to"
CALL, MIGRATE = PAGES / "call-from-python.md", PAGES / "migrate-from-other-services.md"
ADDRESS = "http://localhost:8080"
ADMIN_KEY = "the admin key of the server"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with the collection `shop` of the pages."""
    root = tmp_path_factory.mktemp("pages")
    make_collection(Workspace(root).collection("shop"), tmp_path_factory.mktemp("tables"))
    with listening(settings_for(root, security={"admin_key": ADMIN_KEY})) as url:
        yield url


def _run(page: Path, url: str) -> dict[str, Any]:
    """The names that all blocks of a page leave, run in order."""
    names: dict[str, Any] = {}
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    for block in blocks:
        exec(compile(block.replace(ADDRESS, url), page.name, "exec"), names)
    return names


def test_call_from_python(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    names = _run(CALL, url)
    assert len(names["found"].results[0].hits) == 3
    assert names["queries"].shape == (2, 8) and names["items"].shape == (1, 8)
    assert len(names["near"].results) == 2 and names["best"].item_id in ("a-00001", "a-00002")
    assert "a-00001" in [item.item_id for item in names["same"]]
    assert names["ready"] == ["shop"] and len(names["first"]) == 2
    assert "unknown-item" in capsys.readouterr().out


def test_the_table_of_errors_is_that_of_the_client() -> None:
    from client import errors

    rows = re.findall(r"^\| `(\w+)` \| ([\d, ]+) \|", CALL.read_text(), re.MULTILINE)
    written = {int(status): name for name, statuses in rows for status in statuses.split(",")}
    assert written == {status: kind.__name__ for status, kind in errors._BY_STATUS.items()}


def test_migrate(url: str) -> None:
    names = _run(MIGRATE, url)
    assert [len(vector) for vector in names["vectors"]] == [8, 8]
    assert names["names"] == ["shop", "shop/item"]
    assert names["best"] == 1
    assert names["queries"].shape == names["items"].shape == (1, 8)


def test_the_settings_of_the_page_are_settings() -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", MIGRATE.read_text(), re.DOTALL)
    assert Settings.model_validate(tomllib.loads(block)).compat.text_features == {"shop/item": "title"}
