from pathlib import Path

import pytest

from bundle.errors import ConfigError
from service.keys import create_key, digest, read_keys, revoke_key


def test_the_file_holds_the_hash_and_never_the_key(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    first = create_key(path, "shop", frozenset({"read"}), frozenset({"shop"}))
    second = create_key(path, "ops", frozenset({"read", "admin"}), None)
    assert first != second
    assert first.encode() not in path.read_bytes()
    shop, ops = read_keys(path).keys
    assert (shop.name, shop.sha256, shop.scopes, shop.collections) == (
        "shop",
        digest(first.encode()),
        frozenset({"read"}),
        frozenset({"shop"}),
    )
    assert (ops.sha256, ops.collections) == (digest(second.encode()), None)


def test_a_name_is_given_once_and_free_again_after_revocation(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    create_key(path, "shop", frozenset({"read"}), None)
    with pytest.raises(ConfigError, match="a key named 'shop' already"):
        create_key(path, "shop", frozenset({"read"}), None)
    revoke_key(path, "shop")
    assert read_keys(path).keys == ()
    create_key(path, "shop", frozenset({"read"}), None)


def test_revoking_a_key_that_is_not_there_lists_those_that_are(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    create_key(path, "shop", frozenset({"read"}), None)
    with pytest.raises(ConfigError, match="no key named 'shpo'; it has: shop"):
        revoke_key(path, "shpo")


@pytest.mark.parametrize("name", ["", "two words", "x" * 65])
def test_a_name_that_logs_cannot_carry_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="the key cannot be made"):
        create_key(tmp_path / "keys.json", name, frozenset({"read"}), None)
    assert not (tmp_path / "keys.json").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [("{", "is not JSON"), ('{"keys": [{"name": "a"}]}', r"wrong at keys\.0\.sha256"), ("[]", "whole file")],
)
def test_a_damaged_file_is_named(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match=says):
        read_keys(path)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="tandem keys create"):
        read_keys(tmp_path / "none.json")
