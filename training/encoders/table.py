"""Embedding tables by vocabulary, so that encoders may share one.

Axes: V rows of the vocabulary, D embedding.
"""

import torch
from torch import nn

from bundle.vocabulary import Vocabulary


def new_table(vocabulary: Vocabulary, dimension: int) -> nn.Embedding:
    """A table whose missing and out-of-vocabulary rows begin at zero: what was never trained adds nothing."""
    table = nn.Embedding(vocabulary.size, dimension, padding_idx=0)
    nn.init.normal_(table.weight, std=dimension**-0.5)
    with torch.no_grad():
        table.weight[: 1 + vocabulary.oov_buckets].zero_()
    return table
