"""Embedding tables by vocabulary, so that encoders may share one.

Axes: V rows of the vocabulary, D embedding.
"""

import torch
from torch import nn

from bundle.vocabulary import Vocabulary
from training.ragged import IntArray


def new_table(vocabulary: Vocabulary, dimension: int, cold_rows: IntArray | None = None) -> nn.Embedding:
    """A table whose missing, out-of-vocabulary and cold rows begin at zero: what was never trained adds nothing.

    Cold rows take their share of the random numbers all the same, so that they change no other weight.
    """
    table = nn.Embedding(vocabulary.size, dimension, padding_idx=0)
    nn.init.normal_(table.weight, std=dimension**-0.5)
    with torch.no_grad():
        table.weight[: 1 + vocabulary.oov_buckets].zero_()
        if cold_rows is not None:
            table.weight[torch.from_numpy(cold_rows)] = 0.0
    return table
