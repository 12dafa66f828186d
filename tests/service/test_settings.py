from pathlib import Path

import pytest
from pydantic import ValidationError

from bundle.errors import ConfigError
from service.schemas.search import SearchRequest
from service.schemas.semantic_ids import SemanticIdsRequest
from service.settings import Settings, load_settings


def test_file_environment_and_overrides_win_in_that_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "server.toml"
    path.write_text('workspace = "w"\n[server]\nhost = "file"\nport = 1\nworkers = 2\n[limits]\nmax_k = 17\n')
    monkeypatch.setenv("TANDEM_SERVER__PORT", "2")
    monkeypatch.setenv("TANDEM_LIMITS__MAX_BATCH", "3")
    settings = load_settings(path, {"server": {"port": 5}})
    assert (settings.server.host, settings.server.port, settings.server.workers) == ("file", 5, 2)
    assert (settings.limits.max_k, settings.limits.max_batch) == (17, 3)
    assert load_settings(path).server.port == 2


def test_settings_are_frozen(tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        load_settings().workspace = tmp_path  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[server]\nprot = 1\n", "server.prot"),
        ("[limits]\nmax_k = 0\n", "limits.max_k"),
        ("[limits]\nmax_hits = 4999\n", "max_depth allows one query 5000"),
        ("[limits\n", "TOML"),
        ("[security]\nadmin_key = 'short'\n", "security.admin_key"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "server.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=named):
        load_settings(path)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="none.toml"):
        load_settings(tmp_path / "none.toml")


def test_secrets_are_masked_when_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TANDEM_SECURITY__ADMIN_KEY", "a-very-secret-admin-key")
    settings = load_settings()
    assert "a-very-secret" not in str(settings.redacted()) + repr(settings)
    key = settings.security.admin_key
    assert key is not None and key.get_secret_value() == "a-very-secret-admin-key"


def test_every_setting_is_documented() -> None:
    for field in Settings.model_fields.values():
        assert field.description
        section = field.annotation
        for setting in getattr(section, "model_fields", {}).values():
            assert setting.description


def test_the_limits_let_pass_what_a_request_asks_for_by_default() -> None:
    limits = Settings().limits
    assert limits.max_batch * SearchRequest().k <= limits.max_hits
    assert limits.max_batch * SemanticIdsRequest().k <= limits.max_hits
    assert max(limits.max_k, limits.max_depth, limits.max_list) <= limits.max_hits
