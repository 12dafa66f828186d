from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from bundle.errors import ConfigError
from bundle.features import CategoryFeature, FeatureSpec, TextFeature
from bundle.items import Items
from bundle.progress import NoProgress
from index.lexical.build import STOP_WORDS, LexicalConfig, write_lexical
from index.mapped_strings import MappedStrings
from tests.index.lexical.world import FEATURES, index, write

ITEMS = Items(
    pa.table({"item_id": ["a", "b"], "title": ["red mug", "lamp"], "more": ["of glass", None], "price": [1, 2]}),
    "items.parquet",
)


def vocabulary(words: MappedStrings) -> list[str]:
    return words.at(range(len(words)))


def test_words_are_numbered_by_the_alphabet_and_stop_words_left_out(tmp_path: Path) -> None:
    texts = ["the red mug", "And a RED lamp", None, ""]
    assert vocabulary(index(tmp_path / "en", texts).words) == ["lamp", "mug", "red"]
    assert vocabulary(index(tmp_path / "none", texts, stop_words="none").words) == [
        "a", "and", "lamp", "mug", "red", "the",
    ]  # fmt: skip


def test_the_report_counts(tmp_path: Path) -> None:
    report = write(tmp_path / "lexical", ["red red mug", "red", None, "the"])
    assert (report.n_words, report.n_postings, report.n_without_words) == (2, 3, 2)
    assert (report.fields, report.query_fields, report.stop_words) == (("text",), ("text",), "en")


def test_several_columns_are_one_text(tmp_path: Path) -> None:
    config = LexicalConfig(fields=("title", "more"), query_fields=("text",))
    report = write_lexical(tmp_path / "lexical", ITEMS, config, FEATURES, NoProgress())
    assert (report.n_words, report.n_postings) == (4, 4)  # red, mug, glass, lamp; "of" is a stop word


def test_postings_of_a_word_are_its_rows_ascending(tmp_path: Path) -> None:
    bm25 = index(tmp_path / "lexical", ["b", "a", "b a", "a b"], stop_words="none")
    assert bm25.offset_V1.tolist() == [0, 3, 6]
    assert bm25.row_P.tolist() == [1, 2, 3, 0, 2, 3]


def test_the_same_catalogue_gives_the_same_bytes(tmp_path: Path) -> None:
    texts = [" ".join(np.random.default_rng(row).choice(list("abcdefgh"), 5)) for row in range(40)]
    write(tmp_path / "a", texts)
    write(tmp_path / "b", texts)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == ["offsets.npy", "rows.npy", "shares.npy", "words.arrow"]
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in names)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"fields": ("name",)}, "'name', which is no column of items.parquet; it has: item_id, title, more, price"),
        ({"fields": ("price",)}, "'price', but that column of items.parquet is int64"),
        ({}, "names 'text', which is no column"),
    ],
)
def test_columns_without_words_are_named(tmp_path: Path, config: dict[str, tuple[str, ...]], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        write_lexical(tmp_path / "lexical", ITEMS, LexicalConfig(**config), FEATURES, NoProgress())


def test_a_catalogue_without_any_word_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no word stands in text of items"):
        write(tmp_path / "lexical", ["!", "the", None])


def test_towers_without_text_need_the_fields_named(tmp_path: Path) -> None:
    features = FeatureSpec(query=(CategoryFeature(name="user"),), item=(TextFeature(name="title"),))
    with pytest.raises(ConfigError, match=r"the query tower of the bundle reads no text.*lexical\.query_fields"):
        write_lexical(tmp_path / "lexical", ITEMS, LexicalConfig(), features, NoProgress())
    report = write_lexical(tmp_path / "lexical", ITEMS, LexicalConfig(query_fields=("asked",)), features, NoProgress())
    assert (report.fields, report.query_fields) == (("title",), ("asked",))


@pytest.mark.parametrize("language", sorted(STOP_WORDS))
def test_every_language_has_its_own_list(language: str) -> None:
    known = {"de": "und", "en": "and", "fr": "et", "es": "y", "it": "e", "nl": "en", "pt": "e", "sv": "och", "no": "og"}
    words = STOP_WORDS[language]
    assert all(isinstance(word, str) for word in words)
    assert language not in known or known[language] in words
