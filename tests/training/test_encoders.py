"""Each encoder by hand on tables of known rows."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bundle.vocabulary import Vocabulary
from training.encoders.categories import CategoriesEncoder
from training.encoders.category import CategoryEncoder
from training.encoders.history_attention import HistoryAttention, HistoryAttentionConfig
from training.encoders.history_mean import HistoryMean
from training.encoders.history_recency import HistoryRecency
from training.encoders.number import NumberEncoder
from training.encoders.table import new_table
from training.encoders.text import TextEncoder
from training.encoders.vector import VectorEncoder

HISTORY = torch.tensor([[3, 2, 1, 0], [2, 0, 0, 0], [0, 0, 0, 0]])


def table() -> nn.Embedding:
    """Row r is (r, 10 r)."""
    rows = torch.arange(5.0)
    return nn.Embedding(5, 2, _weight=torch.stack([rows, 10 * rows], 1))


def close(value: Tensor, expected: list[list[float]]) -> None:
    torch.testing.assert_close(value, torch.tensor(expected, dtype=torch.float32))


def test_a_new_table_knows_nothing_of_what_is_missing_or_unknown() -> None:
    rows = new_table(Vocabulary(["a", "b"], oov_buckets=3), 8).weight
    assert rows.shape == (6, 8)
    assert (rows[:4] == 0).all()
    assert (rows[4:] != 0).all()


def test_text_is_the_weighted_sum_over_the_root_of_the_squared_weights() -> None:
    encoder = TextEncoder(torch.tensor([9.0, 3.0, 4.0]), 2)
    with torch.no_grad():
        encoder.table.weight[1:] = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    close(encoder(torch.tensor([[1, 2, 0], [1, 0, 0], [0, 0, 0]])), [[3 / 5, 4 / 5], [1, 0], [0, 0]])


def test_repeated_words_count_and_padding_does_not() -> None:
    encoder = TextEncoder(torch.ones(4), 6)
    once, twice = encoder(torch.tensor([[1, 2, 0]])), encoder(torch.tensor([[1, 2, 2]]))
    assert not torch.allclose(once, twice)
    torch.testing.assert_close(encoder(torch.tensor([[1, 2]])), once)


def test_text_in_training_has_the_values_and_gradients_of_the_exported_form() -> None:
    gram_BT = torch.tensor([[1, 2, 2, 5], [4, 0, 0, 0], [0, 0, 0, 0], [3, 1, 0, 0]])
    encoder, direction_BD = TextEncoder(torch.rand(6), 3), torch.randn(4, 3)
    outputs, gradients = [], []
    for training in (True, False):
        encoder.zero_grad()
        outputs.append(encoder.train(training)(gram_BT))
        outputs[-1].backward(direction_BD)
        gradients.append(encoder.table.weight.grad)
    torch.testing.assert_close(outputs[0], outputs[1])
    torch.testing.assert_close(gradients[0], gradients[1])
    assert encoder.train()(torch.zeros(2, 1, dtype=torch.int64)).tolist() == [[0.0] * 3] * 2


def test_category_is_its_row() -> None:
    close(CategoryEncoder(table())(torch.tensor([0, 3])), [[0, 0], [3, 30]])


def test_categories_are_the_mean_of_their_rows() -> None:
    close(CategoriesEncoder(table())(torch.tensor([[1, 3, 0], [0, 0, 0]])), [[2, 20], [0, 0]])


def test_numbers_tell_missing_from_zero() -> None:
    encoded_BD = NumberEncoder(4)(torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]]))
    assert len({tuple(row) for row in encoded_BD.tolist()}) == 3


def test_a_missing_vector_adds_nothing() -> None:
    assert (VectorEncoder(3, 5)(torch.zeros(2, 3)) == 0).all()


def test_history_mean_by_hand() -> None:
    close(HistoryMean(table())(HISTORY), [[2, 20], [2, 20], [0, 0]])


def test_history_recency_begins_with_one_over_the_place() -> None:
    """Weights 1, 1/2, 1/3 over items 3, 2, 1: (3 + 1 + 1/3) / (11/6)."""
    first = (3 + 1 + 1 / 3) / (11 / 6)
    close(HistoryRecency(table(), 4)(HISTORY), [[first, 10 * first], [2, 20], [0, 0]])


@pytest.fixture
def attention() -> HistoryAttention:
    torch.manual_seed(0)
    config = HistoryAttentionConfig(layers=2, heads=2, dropout=0.5)
    return HistoryAttention(new_table(Vocabulary([str(i) for i in range(9)]), 8), 4, config).eval()


def test_attention_ignores_padding_and_gives_zeros_for_nothing(attention: HistoryAttention) -> None:
    encoded_BD = attention(torch.tensor([[5, 4, 0, 0], [0, 0, 0, 0]]))
    assert (encoded_BD[1] == 0).all()
    attention.table.weight.data[0] = 100.0  # the padding row must not reach anything
    torch.testing.assert_close(attention(torch.tensor([[5, 4, 0, 0]]))[0], encoded_BD[0])


def test_attention_sees_order_and_every_place(attention: HistoryAttention) -> None:
    base = attention(torch.tensor([[5, 4, 3, 2]]))
    for other in ([4, 5, 3, 2], [5, 3, 4, 2], [5, 4, 3, 6], [5, 4, 3, 0]):
        assert not torch.allclose(attention(torch.tensor([other])), base, atol=1e-5)


def test_an_older_item_does_not_see_a_newer_one(attention: HistoryAttention) -> None:
    states = []
    for newest in (5, 6):
        item_BH = torch.tensor([[newest, 4, 3, 2]])
        state_BHD = attention.table(item_BH) + attention.position_HD
        sees_BHH = attention.earlier_HH[None]
        for block in attention.blocks:
            state_BHD = block(state_BHD, sees_BHH)
        states.append(state_BHD)
    torch.testing.assert_close(states[0][:, 1:], states[1][:, 1:])
    assert not torch.allclose(states[0][:, 0], states[1][:, 0])


def test_cold_rows_begin_at_zero_and_leave_the_others_alone() -> None:
    vocabulary = Vocabulary(["a", "b", "c"], oov_buckets=2)
    torch.manual_seed(0)
    plain, after = new_table(vocabulary, 4).weight.detach(), torch.rand(1)
    torch.manual_seed(0)
    cold = new_table(vocabulary, 4, np.array([3, 5])).weight.detach()
    assert torch.rand(1) == after
    assert (cold[[0, 1, 2, 3, 5]] == 0).all()
    assert torch.equal(cold[4], plain[4])
