import json
from pathlib import Path

import pytest

from cli.main import execute
from service.keys import digest, read_keys


def test_a_key_is_printed_once_and_stored_as_a_hash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "keys.json")
    assert execute(["keys", "create", path, "ops", "--admin", "-c", "shop", "-c", "books"]) == 0
    secret = capsys.readouterr().out.strip()
    (key,) = read_keys(Path(path)).keys
    assert key.sha256 == digest(secret.encode())
    assert (key.scopes, key.collections) == (frozenset({"read", "admin"}), frozenset({"shop", "books"}))
    assert execute(["keys", "list", path]) == 0
    assert capsys.readouterr().out.startswith("ops\tadmin+read\tbooks, shop\t")
    assert execute(["keys", "list", path, "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert listed["name"] == "ops"
    assert "sha256" not in listed
    assert execute(["keys", "revoke", path, "ops"]) == 0
    assert read_keys(Path(path)).keys == ()


def test_without_admin_a_key_only_reads(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    assert execute(["keys", "create", str(path), "app"]) == 0
    assert (read_keys(path).keys[0].scopes, read_keys(path).keys[0].collections) == (frozenset({"read"}), None)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["list", "none.json"], "tandem keys create"),
        (["revoke", "none.json", "a"], "tandem keys create"),
        (["create", "none.json", "two words"], "the key cannot be made"),
    ],
)
def test_faults_exit_with_2(
    arguments: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert execute(["keys", *arguments]) == 2
    captured = capsys.readouterr()
    assert says in captured.err
    assert captured.out == ""
