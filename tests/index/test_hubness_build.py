from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bundle.errors import ConfigError
from bundle.workspace import Collection
from index.build import build_index
from index.config import BuildConfig
from index.hubness.bias import ACTIVATED_FILE, BIAS_FILE
from index.manifest import IN_ROLE_FOLDER, read_index_manifest
from index.version import open_version
from tests.index.shop import build_shop


def queries(path: Path, count: int) -> Path:
    titles = [f"{'abcdefghijkl'[row % 12]} {row}" for row in range(count)]
    pq.write_table(pa.table({"title": titles, "item_id": [f"item-{row % 60}" for row in range(count)]}), path)
    return path


def test_a_version_says_and_serves_what_undoes_its_hubs(own_shop: Collection) -> None:
    queries(own_shop.folder.parents[1] / "queries.parquet", 90)
    hubness = {"queries": "queries.parquet", "positives": "item_id", "bank_size": 80, "default": "inverted_softmax"}
    version = build_shop(own_shop, hubness=hubness)
    opened = open_version(own_shop, version)
    report, bias = opened.manifest.hubness, opened.role().hubness
    assert report is not None and bias is not None
    assert (report.n_bank_queries, report.n_bank_items, report.n_positives) == (80, 60, 80)
    assert (report.default, report.queries, report.is_tuned) == ("inverted_softmax", "table", True)
    assert [len(measure.model_dump()) for measure in report.measures] == [6] * 4
    assert opened.role().hubness_default == "inverted_softmax"
    assert (bias.query_beta, bias.item_beta) == (report.query_beta, report.item_beta)
    assert bias.nearness_2N.shape == (2, 60)
    assert {BIAS_FILE, ACTIVATED_FILE} <= set(opened.manifest.files)
    page = (own_shop.index(version) / "report" / "index.html").read_text()
    assert "<h2>Hubness</h2>" in page and "dual_dynamic_inverted_softmax" in page
    assert "hubness" in opened.manifest.seconds


def test_the_same_build_gives_the_same_bias(own_shop: Collection) -> None:
    folders = [own_shop.index(build_shop(own_shop, hubness={})) for _ in range(2)]
    for name in (BIAS_FILE, ACTIVATED_FILE):
        assert len({(folder / name).read_bytes() for folder in folders}) == 1


def test_each_role_has_a_bias_of_its_own(own_pairs: Collection) -> None:
    folder = own_pairs.index(build_shop(own_pairs, hubness={}))
    manifest = read_index_manifest(folder)
    assert manifest.in_role is not None and manifest.in_role.hubness is not None and manifest.hubness is not None
    assert manifest.in_role.hubness.measures != manifest.hubness.measures
    opened = open_version(own_pairs, folder.name)
    roles = {relation: role.hubness for relation, role in opened.roles.items()}
    assert opened.role().hubness_default is None  # measured, and off unless a request asks
    assert roles["similar"] is not None and roles["complementary"] is not None
    np.testing.assert_array_equal(roles["similar"].nearness_2N, np.load(folder / IN_ROLE_FOLDER / BIAS_FILE))
    np.testing.assert_array_equal(roles["complementary"].nearness_2N, np.load(folder / BIAS_FILE))
    assert f"{IN_ROLE_FOLDER}/{BIAS_FILE}" in manifest.files


def test_item_vectors_do_not_speak_for_queries_by_default(own_shop: Collection) -> None:
    with pytest.raises(ConfigError, match="give queries, or leave default off"):
        build_shop(own_shop, hubness={"default": "inverted_softmax"})
    assert not list(own_shop.indexes.glob("*"))


def test_where_queries_are_items_their_vectors_do(own_pairs: Collection) -> None:
    opened = open_version(own_pairs, build_shop(own_pairs, hubness={"default": "inverted_softmax"}))
    assert opened.role("similar").hubness_default == "inverted_softmax"


def test_without_the_section_nothing_is_there(own_shop: Collection) -> None:
    config = BuildConfig.model_validate({"collection": own_shop.name, "items": "items.parquet"})
    version = build_index(own_shop, config, base=own_shop.folder.parents[1])
    opened = open_version(own_shop, version)
    assert opened.role().hubness is None and opened.manifest.hubness is None
    assert b'"hubness": {' not in (own_shop.index(version) / "manifest.json").read_bytes()
    assert not (own_shop.index(version) / BIAS_FILE).exists()
    assert "hubness" not in opened.manifest.seconds
