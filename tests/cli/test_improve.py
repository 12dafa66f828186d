"""One round over a small shop: it ends with a better-informed bundle serving, or with the old one."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cli.main import execute
from index.store import current, read_version
from tests.cli.improvable import TITLES, Shop, improvable_shop, write_rows


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return improvable_shop(tmp_path)


def improve(shop: Shop, *arguments: str) -> int:
    return execute(["improve", str(shop.folder / "improve.toml"), "-w", shop.workspace, *arguments])


def test_a_round_ends_with_a_new_bundle_that_serves(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    before = read_version(shop.collection, str(current(shop.collection)))
    capsys.readouterr()
    assert improve(shop, "--json") == 0
    told = capsys.readouterr()
    answer = json.loads(told.out)
    active = read_version(shop.collection, str(current(shop.collection)))
    assert (answer["judge"], answer["bundle_id"]) == (before.bundle_id, active.bundle_id)
    assert answer["bundle_id"] != answer["judge"]
    assert answer["rebuild"]["outcome"] == "activated"
    assert any(gate["gate"].startswith("quality") for gate in answer["rebuild"]["gates"])
    table = pq.read_table(shop.folder / "judgements.parquet")
    assert table.num_rows == answer["judged"] >= 4 * len(TITLES)
    assert "are judged in" in told.err
    assert "has learned from them" in told.err


def test_a_gate_that_refuses_leaves_the_old_version_serving(shop: Shop) -> None:
    active = current(shop.collection)
    write_rows(shop.folder / "few.csv", "item_id,title", [f"i{n},{TITLES[n]}" for n in range(5)])
    rebuild = shop.folder / "rebuild.toml"
    rebuild.write_text(rebuild.read_text().replace('items = "items.csv"', 'items = "few.csv"'))
    assert improve(shop) == 3
    assert current(shop.collection) == active
