import numpy as np
import pytest

from bundle.errors import ConfigError
from bundle.store import open_bundle
from bundle.workspace import Collection
from index.version import open_version
from tests.index.shop import build_shop
from tests.tiny import tiny_bundle


def test_sinkhorn_last_keeps_the_prefix_and_needs_fewer_suffixes(own_shop: Collection) -> None:
    bundle = tiny_bundle(own_shop, dimension=8, codebook_sizes=(2, 64), seed=3)
    opened = open_version(own_shop, build_shop(own_shop, collisions={"policy": "sinkhorn_last"}))
    ids = [f"item-{n}" for n in range(60)]
    codec = open_bundle(own_shop, bundle).semantic_ids
    semantic_ids, report = opened.semantic_ids(ids), opened.manifest.semantic_ids
    assert codec is not None and semantic_ids is not None and report is not None
    raw_NL = codec.encode(opened.vectors(ids))
    final_NL = np.array([one.codes for one in semantic_ids])
    assert (raw_NL[:, 0] == final_NL[:, 0]).all()
    assert len({tuple(codes) for codes in final_NL.tolist()}) == 60
    assert report.dup_excess > 0
    assert (report.resolution.recoded, report.resolution.unresolved) == ((raw_NL != final_NL).any(1).sum(), 0)


def test_names_come_from_the_text_attributes_or_from_the_columns_named(own_shop: Collection) -> None:
    by_default = open_version(own_shop, build_shop(own_shop))
    of_none = open_version(own_shop, build_shop(own_shop, name_columns=[]))
    report = by_default.manifest.semantic_ids
    assert report is not None and report.name_columns == ("title",)
    assert by_default.prefix_names is not None and of_none.prefix_names is not None
    prefixes = [[code] for code in range(4)]
    named = [name for name in by_default.prefix_names.at(prefixes) if name]
    assert report.n_named_prefixes == len(named) and any(name.words for name in named)
    assert [name.items for name in of_none.prefix_names.at(prefixes) if name] == [name.items for name in named]
    assert not any(name.words for name in of_none.prefix_names.at(prefixes) if name)


@pytest.mark.parametrize(("column", "says"), [("colour", "no column"), ("price", "a column of double, not of texts")])
def test_a_column_without_texts_names_nothing(own_shop: Collection, column: str, says: str) -> None:
    with pytest.raises(ConfigError, match=f"'{column}' is {says}"):
        build_shop(own_shop, name_columns=[column])
