"""The encoder of one feature: which class, and which embedding table.

Axes: V rows of a table.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

from bundle.features import (
    CategoriesFeature,
    CategoryFeature,
    Feature,
    NumberFeature,
    SequenceFeature,
    TextFeature,
    VectorFeature,
    vocabulary_name,
)
from bundle.vocabulary import Vocabulary
from training.encoders import HistoryConfig
from training.encoders.categories import CategoriesEncoder
from training.encoders.category import CategoryEncoder
from training.encoders.number import NumberEncoder
from training.encoders.table import new_table
from training.encoders.text import TextEncoder
from training.encoders.vector import VectorEncoder
from training.ragged import IntArray


@dataclass
class EncoderInputs:
    """What the encoders of one tower are made from.

    `idf_V` is the n-gram weights of each text feature. `item_tables` are the tables of the item tower by
    vocabulary, which a history may share; `tables` collects those of this tower. `cold_rows` are the rows that begin at
    zero, by vocabulary, because training gives this tower nothing to learn them from.
    """

    dimension: int
    vocabularies: Mapping[str, Vocabulary]
    idf_V: Mapping[str, Tensor]
    item_tables: Mapping[str, nn.Embedding] = field(default_factory=dict)
    tables: dict[str, nn.Embedding] = field(default_factory=dict)
    cold_rows: Mapping[str, IntArray] = field(default_factory=dict)

    def table(self, vocabulary: str) -> nn.Embedding:
        """This tower's table of a vocabulary, the same object each time."""
        if vocabulary not in self.tables:
            self.tables[vocabulary] = self._new_table(vocabulary)
        return self.tables[vocabulary]

    def history_table(self, vocabulary: str, share_items: bool) -> nn.Embedding:
        """The table that a history reads."""
        if share_items and vocabulary in self.item_tables:
            return self.item_tables[vocabulary]
        return self._new_table(vocabulary)

    def _new_table(self, vocabulary: str) -> nn.Embedding:
        return new_table(self.vocabularies[vocabulary], self.dimension, self.cold_rows.get(vocabulary))


def build_encoder(feature: Feature, history: HistoryConfig, inputs: EncoderInputs) -> nn.Module:
    """A module that maps the array of `feature` to float32 [B, D]."""
    match feature:
        case TextFeature():
            return TextEncoder(inputs.idf_V[feature.name], inputs.dimension)
        case CategoryFeature():
            return CategoryEncoder(inputs.table(vocabulary_name(feature)))
        case CategoriesFeature():
            return CategoriesEncoder(inputs.table(vocabulary_name(feature)))
        case NumberFeature():
            return NumberEncoder(inputs.dimension)
        case VectorFeature():
            return VectorEncoder(feature.dimension, inputs.dimension)
        case SequenceFeature():
            table = inputs.history_table(feature.vocabulary, history.share_items)
            return history.build(table, feature.max_length)
