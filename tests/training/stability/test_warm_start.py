import numpy as np
import pytest

from tests.contracts.quantizer import clustered
from training.errors import BadData
from training.quantizers.codes import encode_all
from training.quantizers.contract import QuantizerData
from training.quantizers.residual import ResidualConfig
from training.ragged import FloatArray
from training.stability.churn import churn
from training.stability.contract import Earlier
from training.stability.warm_start import WarmStartConfig, carried, damped_centroids

CONFIG = ResidualConfig(levels=2, codebook_size=16)


def earlier_of(rows_ND: FloatArray, known: int) -> Earlier:
    fitted = CONFIG.fit(QuantizerData(rows_ND[:known]), 0, 1)
    return Earlier("old", rows_ND, encode_all(fitted, rows_ND), fitted.codebooks)


def test_a_damped_step_by_hand() -> None:
    """Items 2 and 4 have mean 3; from 0 a code of strength 2 goes a third of the way. Level 2 gets what is left."""
    books = (np.array([[0.0], [9.0]], dtype=np.float32), np.array([[0.0]], dtype=np.float32))
    rows_ND = np.array([[2.0], [4.0]], dtype=np.float32)
    first, second = damped_centroids(rows_ND, np.zeros((2, 2), dtype=np.int64), books, 2)
    assert first.ravel().tolist() == pytest.approx([1, 9])  # without items the second code stays
    assert second.ravel().tolist() == pytest.approx([2 / 3])  # a third of the way to (1 + 3) / 2


def test_the_same_embeddings_and_no_step_keep_every_code() -> None:
    earlier = earlier_of(clustered(), 600)
    again = WarmStartConfig(passes=0).fit(CONFIG, QuantizerData(clustered()), earlier, 5, 1)
    np.testing.assert_array_equal(encode_all(again, clustered()), earlier.code_NL)


def test_a_turned_space_turns_the_codebooks() -> None:
    turn_DD = np.linalg.qr(np.random.default_rng(1).normal(size=(12, 12)))[0].astype(np.float32)
    earlier = earlier_of(clustered(), 600)
    turned_ND = clustered() @ turn_DD
    again = WarmStartConfig(passes=0).fit(CONFIG, QuantizerData(turned_ND), earlier, 5, 1)
    assert churn(earlier.code_NL, encode_all(again, turned_ND))[-1] <= 0.01


def test_a_code_moves_as_its_items_moved() -> None:
    old_ND = np.array([[1.0, 0], [0, 1], [-1, 0], [0, -1]], dtype=np.float32)
    books = (old_ND.copy(),)
    earlier = Earlier("old", old_ND, np.arange(4)[:, None], books)
    new_ND = old_ND * np.array([[1.5], [1], [1], [1]], dtype=np.float32)
    np.testing.assert_allclose(carried(earlier, books, new_ND)[0], new_ND, atol=1e-5)


def test_new_items_leave_the_old_their_codes() -> None:
    rows_ND = np.concatenate([clustered(), clustered()[:30] + np.float32(0.1)])
    earlier = earlier_of(rows_ND, 600)
    warm = WarmStartConfig().fit(CONFIG, QuantizerData(rows_ND), earlier, 5, 1)
    scratch = CONFIG.fit(QuantizerData(rows_ND), 5, 1)
    kept = churn(earlier.code_NL[:600], encode_all(warm, rows_ND)[:600])[-1]
    assert kept <= 0.1 < 0.5 < churn(earlier.code_NL[:600], encode_all(scratch, rows_ND)[:600])[-1]


def test_what_cannot_be_carried_over_is_refused() -> None:
    earlier = earlier_of(clustered(), 600)
    with pytest.raises(BadData, match="12 dimensions and this training 5.*set dimension = 12"):
        WarmStartConfig().fit(CONFIG, QuantizerData(clustered(600, 5)), earlier, 0, 1)
    without = Earlier("old", clustered(), earlier.code_NL, None)
    with pytest.raises(BadData, match="do not add up"):
        WarmStartConfig().fit(CONFIG, QuantizerData(clustered()), without, 0, 1)
