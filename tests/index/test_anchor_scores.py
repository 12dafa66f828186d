"""Cross-encoder search in a version: built, opened, refused where it cannot be."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bundle.errors import ConfigError, InvalidTable
from bundle.progress import NoProgress
from bundle.rerankers import Rerankers
from bundle.session import SessionConfig
from bundle.store import list_bundles, open_bundle
from bundle.workspace import Collection
from index.anchor_scores import score_anchors
from index.cross_encoder_ranking import CrossEncoderSearch
from index.cur.kinds import AdacurKind
from index.errors import VersionCorrupt
from index.ranking import DenseRanker, Queries
from index.reranked import ItemReranker
from index.version import open_version
from tests.index.shop import build_shop, make_shop
from tests.tiny_reranker import MODEL, tiny_spec, tiny_tokenizers

COUNT = 60


@pytest.fixture
def words(tmp_path: Path) -> Collection:
    """A shop with a reranker, and a table of queries."""
    shop = make_shop(tmp_path, COUNT, reranker=True)
    titles = pq.read_table(tmp_path / "items.parquet")["title"].to_pylist()
    pq.write_table(pa.table({"title": [title.split()[0] for title in titles]}), tmp_path / "queries.parquet")
    return shop


def kind(name: str = "adacur", **changes: Any) -> dict[str, Any]:
    return {"kind": name, "queries": "queries.parquet", "n_queries": 20, **changes}


@pytest.mark.parametrize("settings", [kind(), kind("anncur", n_items=6)], ids=["adacur", "anncur"])
def test_a_version_searches_with_the_cross_encoder(words: Collection, settings: dict[str, Any]) -> None:
    name = build_shop(words, cross_encoder_search=settings)
    version, bundle = open_version(words, name), open_bundle(words, list_bundles(words)[0])
    report = version.manifest.cross_encoder_search
    reranker = bundle.rerankers.cross_encoder
    assert report is not None and version.cross_encoder_search is not None and reranker is not None
    assert report.calls == 20 * COUNT
    assert len(report.anchor_rows) == {"adacur": 0, "anncur": 6}[settings["kind"]]
    assert "cross_encoder.npy" in version.manifest.files
    items = ItemReranker.of(reranker, version.columns)
    ranker = CrossEncoderSearch(DenseRanker(version.role()), items, version.cross_encoder_search, COUNT, 20)
    record = {"title": version.columns.at(np.array([7]))[0]["title"]}
    ranking = ranker.rank(Queries(bundle.query.embed([record]), [record]), 3)
    exact_N = items.score(record, np.arange(COUNT))
    assert ranking.scores_BR[0, 0] == exact_N.max()
    np.testing.assert_array_equal(ranking.scores_BR[0], exact_N[ranking.rows_BR[0]])
    path = words.index(name) / "cross_encoder.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(VersionCorrupt, match=r"cross_encoder\.npy"):
        open_version(words, name)


def test_versions_without_it_do_not_speak_of_it(words: Collection) -> None:
    name = build_shop(words)
    assert open_version(words, name).cross_encoder_search is None
    assert b'"cross_encoder_search": null' in (words.index(name) / "manifest.json").read_bytes()  # the config alone


def test_what_cannot_be_built_is_refused(words: Collection, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="20 anchor queries x 60 items are 1200 pairs .*max_calls is 1199"):
        build_shop(words, cross_encoder_search=kind(max_calls=1199))
    with pytest.raises(ConfigError, match="cross-encoder reads title of items, but the attributes have no such column"):
        build_shop(words, attributes=["price"])
    with pytest.raises(ConfigError, match="about as many"):  # the table has fewer queries than were asked for
        build_shop(words, cross_encoder_search=kind("anncur", n_queries=500, n_items=60, rcond=0))
    plain = make_shop(tmp_path / "plain", COUNT)
    with pytest.raises(ConfigError, match=r"bundle '.*' has no cross-encoder; train one on query records"):
        build_shop(plain, cross_encoder_search=kind())
    pairs = make_shop(tmp_path / "pairs", COUNT, reranker=True, queries_are="items")
    with pytest.raises(ConfigError, match="takes items as queries"):
        build_shop(pairs, cross_encoder_search=kind())


def test_a_query_without_text_is_found_before_anything_is_scored(words: Collection, tmp_path: Path) -> None:
    bundle = open_bundle(words, list_bundles(words)[0])
    unread = tiny_spec("note", ["title"]).open(bundle.folder, tiny_tokenizers()[MODEL], SessionConfig())
    folder = words.index(build_shop(words))
    vectors_ND = np.zeros((COUNT, 8), dtype=np.float32)
    with pytest.raises(InvalidTable, match=r"queries\.parquet: the query has no text for the cross-encoder"):
        score_anchors(
            AdacurKind.model_validate(kind()),
            replace(bundle, rerankers=Rerankers(cross_encoder=unread)),
            tmp_path,
            vectors_ND,
            folder,
            0,
            NoProgress(),
        )
