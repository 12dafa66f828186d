from pathlib import Path

import pytest

from bundle.config import load_config
from bundle.errors import ConfigError
from training.synthetic_queries.config import SyntheticQueriesConfig
from training.synthetic_queries.sources import EndpointSource


def test_a_config_is_read_with_its_source_by_kind(tmp_path: Path) -> None:
    path = tmp_path / "synthetic.toml"
    path.write_text(
        'train = "train.toml"\ntext = ["title"]\n[source]\nkind = "endpoint"\nurl = "http://h/v1"\nmodel = "m"\n'
        '[[source.prompts]]\nname = "a"\ntemplate = "{text}"\n'
    )
    config = load_config(SyntheticQueriesConfig, path, ["source.concurrency=9"])
    assert isinstance(config.source, EndpointSource)
    assert (config.source.concurrency, config.source.prompts[0].name) == (9, "a")
    assert config.output == Path("synthetic_queries.parquet")
    with pytest.raises(ConfigError, match=r"source: .*'extract', 'file', 'endpoint'"):
        load_config(SyntheticQueriesConfig, path, ["source.kind=magic"])


def test_a_key_that_stands_in_the_config_is_refused_and_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "synthetic.toml"
    path.write_text(
        'train = "t.toml"\ntext = ["title"]\n[source]\nkind = "endpoint"\nurl = "http://h/v1"\nmodel = "m"\n'
    )
    for setting in ("source.key_variable=sk-secret-1", "source.key=sk-secret-1", "source.url=http://sk-secret-1@h/v1"):
        with pytest.raises(ConfigError) as failure:
            load_config(SyntheticQueriesConfig, path, [setting])
        assert "sk-secret-1" not in failure.value.message
