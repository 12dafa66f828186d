from pathlib import Path

import pyarrow.parquet as pq
import pytest

from bundle.config import validate_config
from bundle.errors import ConfigError
from tests.training.synthetic_queries.speaker import completion, speaking
from tests.training.synthetic_queries.world import TITLES, small_world
from training.errors import BadData
from training.synthetic_queries.config import SyntheticQueriesConfig
from training.synthetic_queries.generate import check_output, generate, generate_table, journal_of
from training.synthetic_queries.pairs import normalise, read_pairs
from training.synthetic_queries.sources import Surroundings


def _config(**changes: object) -> SyntheticQueriesConfig:
    settings = {
        "train": "train.toml",
        "text": ["description"],
        "title": "title",
        "source": {"kind": "extract"},
        **changes,
    }
    return validate_config(SyntheticQueriesConfig, settings, "test")


def _around(folder: Path) -> Surroundings:
    return Surroundings(folder, folder / "j.jsonl")


@pytest.mark.parametrize("per_item", [1, 3, 10])
def test_the_scale_is_what_was_asked_for_and_the_counts_add_up(tmp_path: Path, per_item: int) -> None:
    dataset, split = small_world()
    made = generate(
        _config(source={"kind": "extract", "per_item": per_item}), dataset, split, "text", _around(tmp_path)
    )
    counts = made.counts
    assert counts["made"] == counts["kept"] + sum(n for name, n in counts.items() if name.startswith("dropped_"))
    assert counts["made"] <= 6 * per_item and counts["kept"] == len(made.pairs)
    assert (counts["items"], counts["items_with_queries"]) == (6, 6)
    assert per_item != 3 or counts["made"] == 18


def test_no_held_out_query_is_among_them(tmp_path: Path) -> None:
    """The held-out queries are the titles of their items, which the extractor takes: each must be dropped."""
    dataset, split = small_world(text=list(TITLES))
    made = generate(_config(source={"kind": "extract", "kinds": ["title"]}), dataset, split, "text", _around(tmp_path))
    assert made.counts["dropped_leak_text"] == 2
    assert made.counts["dropped_duplicate"] == 4  # the other four are the training queries themselves
    assert made.pairs == []


def test_a_table_is_written_whole_and_repeats_itself(tmp_path: Path) -> None:
    dataset, split = small_world()
    one, two = tmp_path / "one.parquet", tmp_path / "two.parquet"
    made = generate_table(_config(), dataset, split, "text", _around(tmp_path), one)
    assert read_pairs(one) == made.pairs
    assert not {"warm scarf", "loud bike bell"} & {normalise(p.query_text) for p in made.pairs}
    generate_table(_config(), dataset, split, "text", _around(tmp_path), two)
    assert one.read_bytes() == two.read_bytes()
    assert pq.read_schema(one).metadata[b"tandem.synthetic_queries"].startswith(b'{"dropped_duplicate":')


def test_nothing_is_paid_for_when_the_end_cannot_be_reached(tmp_path: Path) -> None:
    dataset, split = small_world()
    (tmp_path / "there.parquet").touch()
    with speaking() as speaker:
        config = _config(source={"kind": "endpoint", "url": speaker.url, "model": "m"})
        with pytest.raises(ConfigError, match=r"there\.parquet exists already"):
            generate_table(config, dataset, split, "text", _around(tmp_path), tmp_path / "there.parquet")
        with pytest.raises(ConfigError, match="query feature 'subject'"):
            generate_table(config, dataset, split, "subject", _around(tmp_path), tmp_path / "a.parquet")
        with pytest.raises(ConfigError, match="no column 'body'"):
            generate(config.model_copy(update={"text": ("body",)}), dataset, split, "text", _around(tmp_path))
        assert speaker.prompts == []
    with pytest.raises(ConfigError, match="must end in .parquet"):
        check_output(tmp_path / "a.csv")


def test_a_table_without_pairs_is_not_written(tmp_path: Path) -> None:
    dataset, split = small_world()
    with speaking(lambda _: completion("")) as speaker:
        config = _config(source={"kind": "endpoint", "url": speaker.url, "model": "m"})
        with pytest.raises(BadData, match="no synthetic pair is left .*empty_answers 6.*change the source"):
            generate_table(config, dataset, split, "text", _around(tmp_path), tmp_path / "a.parquet")
    assert not (tmp_path / "a.parquet").exists()
    assert journal_of(tmp_path / "a.parquet").name == "a.journal.jsonl"
