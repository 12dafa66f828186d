"""A round that could not close is refused before its first step."""

from pathlib import Path

import pytest

from bundle.config import load_config
from bundle.errors import ConfigError
from cli.improve_round import ImproveConfig, open_round
from tests.cli.improvable import IMPROVE, REBUILD, TRAIN

OBJECTIVE = '[objective]\nkind = "graded_kl"\n[teacher]\nkind = "judgements"\n'


def opened(folder: Path, train: str = TRAIN, rebuild: str = REBUILD) -> None:
    for name, text in (("improve", IMPROVE), ("train", train), ("rebuild", rebuild)):
        (folder / f"{name}.toml").write_text(text)
    open_round(load_config(ImproveConfig, folder / "improve.toml"), folder)


@pytest.mark.parametrize(
    ("train", "rebuild", "message"),
    [
        (TRAIN.replace(OBJECTIVE, ""), REBUILD, "does not learn from judgements; set data.judgements to a .parquet"),
        (TRAIN.replace("judgements.parquet", "judgements.csv"), REBUILD, "set data.judgements to a .parquet file"),
        (TRAIN, REBUILD.replace('"shop"', '"other"'), "trains 'shop', but .* rebuilds 'other'"),
        (TRAIN, REBUILD[: REBUILD.index("[gates.quality]")], r"add a section \[gates.quality\]"),
        (TRAIN, 'bundle = "b1"\n' + REBUILD, "and name no bundle"),
    ],
)
def test_it_says_which_config_does_not_fit(tmp_path: Path, train: str, rebuild: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        opened(tmp_path, train, rebuild)


def test_configs_that_fit_are_opened(tmp_path: Path) -> None:
    opened(tmp_path)
