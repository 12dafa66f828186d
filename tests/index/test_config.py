from pathlib import Path

import pytest

from bundle.config import load_config
from bundle.errors import ConfigError
from index.config import BuildConfig
from index.kinds.hnsw import HnswKind


def test_a_build_file_needs_a_collection_and_items_only(tmp_path: Path) -> None:
    (tmp_path / "index.toml").write_text('collection = "shop"\nitems = "items.parquet"\n')
    config = load_config(BuildConfig, tmp_path / "index.toml")
    assert (config.items, config.bundle, config.kind, config.target_recall) == (Path("items.parquet"), None, None, None)


def test_the_kind_is_chosen_by_name_and_overrides_reach_into_it(tmp_path: Path) -> None:
    (tmp_path / "index.toml").write_text('collection = "c"\nitems = "i.csv"\n[kind]\nkind = "hnsw"\nm = 16\n')
    config = load_config(BuildConfig, tmp_path / "index.toml", ["kind.ef_search=99"])
    assert config.kind == HnswKind(m=16, ef_search=99)


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("kind.kind=annoy", "'flat', 'ivf_flat', 'ivf_sq8', 'ivf_pq', 'ivf_rabitq', 'hnsw', 'cagra', "),
        ("kind.nprobe=4", "kind.flat.nprobe"),
        ("target_recall=1.5", "target_recall"),
        ("shard_size=0", "shard_size"),
        ("colour=red", "colour"),
    ],
)
def test_a_wrong_key_or_value_is_named(tmp_path: Path, override: str, named: str) -> None:
    (tmp_path / "index.toml").write_text('collection = "c"\nitems = "i.csv"\n[kind]\nkind = "flat"\n')
    with pytest.raises(ConfigError, match=named):
        load_config(BuildConfig, tmp_path / "index.toml", [override])


def test_fusion_is_refused_without_words_to_weigh(tmp_path: Path) -> None:
    (tmp_path / "index.toml").write_text(
        'collection = "c"\nitems = "i.csv"\n[fusion]\nqueries = "q.csv"\ninteractions = "i.csv"\n'
    )
    with pytest.raises(ConfigError, match=r"there is no \[lexical\] section"):
        load_config(BuildConfig, tmp_path / "index.toml")
