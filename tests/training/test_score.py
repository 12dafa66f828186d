import numpy as np
import torch
from torch import Tensor, nn

from bundle.columns import DenseColumn, EncodedRecords
from training.evaluation_set import EvaluationSet
from training.model import DualEncoder
from training.ragged import Ragged
from training.score import dot_score, model_score


class Scale(nn.Module):
    """Embeds the number x as (x, 1)."""

    def forward(self, *arrays: Tensor) -> Tensor:
        return torch.stack([arrays[0], torch.ones_like(arrays[0])], 1)


def numbers(*values: float) -> EncodedRecords:
    return EncodedRecords({"x": DenseColumn(np.array(values, dtype=np.float32))}, len(values))


def test_scores_are_dot_products_of_the_asked_rows() -> None:
    empty = Ragged.from_rows([[], [], []])
    queries = EvaluationSet(np.arange(3), numbers(1, 2, 3), empty, empty, empty)
    score = model_score(DualEncoder(Scale(), Scale()), queries, numbers(10, 20), torch.device("cpu"))
    np.testing.assert_array_equal(score(np.array([2, 0])), [[31, 61], [11, 21]])


def test_embeddings_at_hand_score_alike() -> None:
    query_QD, item_ND = np.array([[1, 1], [2, 1]], dtype=np.float32), np.array([[10, 1], [20, 1]], dtype=np.float32)
    np.testing.assert_array_equal(dot_score(query_QD, item_ND)(np.array([1])), [[21, 41]])
