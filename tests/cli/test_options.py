from pathlib import Path

import pytest
import typer

from cli.options import existing_collection


def test_an_existing_collection_is_found_and_a_missing_one_lists_those_there(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match="no collection 'shop'; it has: none"):
        existing_collection(tmp_path, "shop")
    (tmp_path / "collections" / "shop").mkdir(parents=True)
    assert existing_collection(tmp_path, "shop").folder == tmp_path / "collections" / "shop"
    with pytest.raises(typer.BadParameter, match="it has: shop"):
        existing_collection(tmp_path, "shopp")
