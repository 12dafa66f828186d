from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from bundle.errors import BundleCorrupt, InvalidRecord
from bundle.features import TextFeature
from bundle.featurize import Featurizer
from bundle.store import open_bundle
from bundle.tower import Tower
from bundle.workspace import Workspace
from tests.tiny import tiny_bundle


@pytest.fixture
def tower(tmp_path: Path) -> Tower:
    collection = Workspace(tmp_path).collection("shop")
    return open_bundle(collection, tiny_bundle(collection)).query


def test_many_threads_give_the_serial_embeddings(tower: Tower) -> None:
    titles = [{"title": f"lamp {i} of {i % 7}"} for i in range(64)]
    serial = tower.embed(titles)
    with ThreadPoolExecutor(8) as pool:
        alone = list(pool.map(lambda title: tower.embed([title])[0], titles))
    np.testing.assert_allclose(np.stack(alone), serial, atol=1e-6)


def test_a_bad_record_is_named(tower: Tower) -> None:
    with pytest.raises(InvalidRecord, match="record 1, feature 'title': is empty"):
        tower.embed([{"title": "mug"}, {"title": ""}])


def test_a_graph_of_other_features_is_refused(tower: Tower) -> None:
    other = Featurizer([TextFeature(name="body")], {}, {})
    with pytest.raises(BundleCorrupt, match="reads title, but the feature spec gives body"):
        Tower(other, tower.session, Path("query_tower.onnx"))
