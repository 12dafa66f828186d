"""A lexical index as part of an index version: built, hashed, opened, refused."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from bundle.errors import ConfigError
from bundle.progress import NoProgress
from bundle.workspace import Collection
from index.build import build_index
from index.config import BuildConfig
from index.errors import LexicalNotServed, VersionCorrupt
from index.lexical.build import LexicalConfig
from index.lexical.query_text import QueryText
from index.lexical.ranker import LexicalRanker
from index.manifest import LEXICAL_FOLDER
from index.ranking import Queries
from index.store import read_version, verify_version
from index.version import IndexVersion, open_version
from tests.index.shop import build_shop


@pytest.fixture(scope="module")
def worded(shop: Collection) -> str:
    return build_shop(shop, lexical={})


def titles(shop: Collection) -> dict[str, str]:
    table = pq.read_table(shop.folder.parents[1] / "items.parquet").to_pydict()
    return dict(zip(table["item_id"], table["title"], strict=True))


def test_every_item_is_found_by_its_own_words(shop: Collection, worded: str) -> None:
    version = open_version(shop, worded)
    ranker = LexicalRanker(version.words(), QueryText(["title"], []))
    known = titles(shop)
    ranking = ranker.rank(Queries(records=[{"title": title} for title in known.values()]), 1)
    found = version.ids.at(ranking.rows_BR[:, 0].tolist())
    assert [known[item_id] for item_id in found] == list(known.values())


def test_the_manifest_says_what_is_there(shop: Collection, worded: str) -> None:
    manifest = read_version(shop, worded)
    assert manifest.lexical is not None
    assert (manifest.lexical.fields, manifest.lexical.query_fields) == (("title",), ("title",))
    assert sum(name.startswith(f"{LEXICAL_FOLDER}/") for name in manifest.files) == 4
    assert "words" in manifest.seconds
    page = (shop.index(worded) / "report" / "index.html").read_text()
    assert f"{manifest.lexical.n_words} different words in title" in page


def test_two_builds_give_the_same_bytes(shop: Collection, worded: str) -> None:
    again = build_shop(shop, lexical={})
    one, other = (read_version(shop, version).files for version in (worded, again))
    assert [one[name] for name in one if name.startswith("lexical")] == [
        other[name] for name in other if name.startswith("lexical")
    ]


def test_a_mapped_version_scores_as_one_read_into_memory(shop: Collection, worded: str) -> None:
    text = next(iter(titles(shop).values()))
    mapped, read = (open_version(shop, worded, mmap=mmap).words().scores(text) for mmap in (True, False))
    assert mapped.tolist() == read.tolist()
    assert mapped.max() > 0


@pytest.mark.parametrize("name", ["words.arrow", "offsets.npy", "rows.npy", "shares.npy"])
def test_a_flipped_or_missing_file_is_named(own_shop: Collection, name: str) -> None:
    version = build_shop(own_shop, lexical={})
    path = own_shop.index(version) / LEXICAL_FOLDER / name
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(VersionCorrupt, match=name):
        open_version(own_shop, version)
    path.unlink()
    with pytest.raises(VersionCorrupt, match=name):
        verify_version(own_shop, version)


def test_a_version_without_words_says_what_to_do(opened: IndexVersion) -> None:
    assert opened.manifest.lexical is None
    with pytest.raises(LexicalNotServed, match=r"no index of words; build one with a \[lexical\] section"):
        opened.words()


def test_the_columns_of_a_csv_are_texts(own_shop: Collection, tmp_path: Path) -> None:
    rows = "".join(f"i{row},mug {row},00{row}\n" for row in range(20))
    (tmp_path / "items.csv").write_text(f"item_id,title,article\n{rows}")
    version = open_version(own_shop, build_shop(own_shop, items="items.csv", lexical={"fields": ["title", "article"]}))
    assert np.flatnonzero(version.words().scores("007")).tolist() == version.ids.rows(["i7"]).tolist()


class Recorded(NoProgress):
    """The tasks that a build began."""

    def __init__(self) -> None:
        self.tasks: list[str] = []

    def start(self, task: str, total: int | None) -> None:
        self.tasks.append(task)


def test_a_wrong_field_stops_the_build_before_it_embeds(own_shop: Collection) -> None:
    items = own_shop.folder.parents[1] / "items.parquet"
    progress = Recorded()
    build_index(own_shop, BuildConfig(collection="shop", items=items, lexical=LexicalConfig()), progress)
    assert any("embed" in task for task in progress.tasks)
    progress = Recorded()
    with pytest.raises(ConfigError, match=r"'price', but that column of .* is double"):
        config = BuildConfig(collection="shop", items=items, lexical=LexicalConfig(fields=("price",)))
        build_index(own_shop, config, progress)
    assert progress.tasks == []


def test_where_queries_are_items_the_words_are_indexed_once(own_pairs: Collection) -> None:
    version = open_version(own_pairs, build_shop(own_pairs, lexical={}))
    assert set(version.roles) == {"complementary", "similar"}
    assert version.words().count == version.count
