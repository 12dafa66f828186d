import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from sklearn.decomposition import PCA

from tests.training.small_data import ints
from training.embedding_map import EmbeddingMap, nearest
from training.ragged import FloatArray


def clouds(seed: int = 0) -> FloatArray:
    rng = np.random.default_rng(seed)
    cloud: FloatArray = (rng.normal(size=(200, 6)) * np.array([4, 3, 1, 1, 1, 1])).astype(np.float32)
    return cloud


def test_the_map_equals_principal_components() -> None:
    embedding = clouds()
    found = EmbeddingMap.of(embedding)
    expected = PCA(2).fit(embedding.astype(np.float64))
    assert np.abs(found.place_M2) == pytest.approx(np.abs(expected.transform(embedding)), abs=1e-6)
    assert found.explained == pytest.approx(expected.explained_variance_ratio_.sum())
    variance = PCA().fit(embedding.astype(np.float64)).explained_variance_
    assert found.used_dimensions == pytest.approx(variance.sum() ** 2 / (variance**2).sum())


def test_the_signs_do_not_depend_on_the_order_of_the_items() -> None:
    embedding = clouds()
    order = np.random.default_rng(1).permutation(len(embedding))
    assert EmbeddingMap.of(embedding[order]).place_M2 == pytest.approx(
        EmbeddingMap.of(embedding).place_M2[order], abs=1e-6
    )


def test_a_large_catalogue_is_thinned_evenly() -> None:
    found = EmbeddingMap.of(clouds(), most=5)
    assert found.item_M.tolist() == [0, 49, 99, 149, 199]
    assert found.place_M2.shape == (5, 2)


def test_collapse_shows() -> None:
    one_way = np.tile(clouds()[:1], (50, 1))
    found = EmbeddingMap.of(one_way)
    assert found.mean_cosine == pytest.approx(1, abs=1e-5)
    assert EmbeddingMap.of(clouds()).mean_cosine < 0.1
    line = np.outer(np.arange(50), [1, 2, 0]).astype(np.float32)
    assert EmbeddingMap.of(line).used_dimensions == pytest.approx(1)
    assert EmbeddingMap.of(np.zeros((1, 3), dtype=np.float32)).used_dimensions == 0


@given(npst.arrays(np.float32, (7, 3), elements=st.integers(-3, 3).map(float)))
def test_mean_cosine_is_over_pairs_of_different_items(embedding: FloatArray) -> None:
    length = np.linalg.norm(embedding, axis=1)
    pairs = [
        float(embedding[i] @ embedding[j] / (length[i] * length[j])) if length[i] * length[j] else 0.0
        for i in range(7)
        for j in range(7)
        if i != j
    ]
    assert EmbeddingMap.of(embedding).mean_cosine == pytest.approx(np.mean(pairs), abs=1e-5)


def test_nearest_goes_by_angle_and_leaves_the_item_out() -> None:
    embedding = np.array([[1, 0], [9, 1], [0, 1], [-1, 0], [0, 0]], dtype=np.float32)
    rows, cosines = nearest(embedding, ints(0, 2), 3)
    assert rows.tolist() == [[1, 2, 4], [1, 0, 3]]
    assert cosines[0] == pytest.approx([9 / np.sqrt(82), 0, 0])
    assert nearest(embedding[:2], ints(0), 5)[0].tolist() == [[1, -1]]
