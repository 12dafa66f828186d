from pathlib import Path

import pytest
from pydantic import Field

from bundle.config import Config, load_config
from bundle.errors import ConfigError


class Inner(Config):
    rate: float = Field(default=0.1, gt=0)
    name: str = "x"


class Outer(Config):
    inner: Inner = Inner()
    seeds: tuple[int, ...] = (0,)


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "run.toml"
    path.write_text(text)
    return path


def test_overrides_lie_over_the_file(tmp_path: Path) -> None:
    path = _file(tmp_path, "seeds = [1, 2]\n[inner]\nrate = 0.5\nname = 'file'\n")
    config = load_config(Outer, path, ["inner.rate=0.25", "seeds=[3]"])
    assert config == Outer(inner=Inner(rate=0.25, name="file"), seeds=(3,))


def test_a_bare_word_is_a_string(tmp_path: Path) -> None:
    assert load_config(Outer, _file(tmp_path, ""), ["inner.name=softmax"]).inner.name == "softmax"


@pytest.mark.parametrize(
    ("text", "overrides", "named"),
    [
        ("[inner]\nrat = 1", [], "inner.rat"),
        ("[inner]\nrate = -1", [], "inner.rate"),
        ("[inner\n", [], "not valid TOML"),
        ("", ["inner.rate"], "section.key=value"),
        ("", ["=3"], "section.key=value"),
        ("", ["inner.rate=fast"], "inner.rate"),
    ],
)
def test_every_wrong_key_is_named(tmp_path: Path, text: str, overrides: list[str], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        load_config(Outer, _file(tmp_path, text), overrides)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.toml"):
        load_config(Outer, tmp_path / "nothing.toml")
