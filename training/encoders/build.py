"""The encoder of one feature: which class, and which embedding table.

Axes: V rows of a table.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

from bundle.errors import ConfigError
from bundle.features import (
    CategoriesFeature,
    CategoryFeature,
    Feature,
    NumberFeature,
    SequenceFeature,
    TextFeature,
    TokensFeature,
    VectorFeature,
    vocabulary_name,
)
from bundle.vocabulary import Vocabulary
from training.encoders import HistoryConfig
from training.encoders.categories import CategoriesEncoder
from training.encoders.category import CategoryEncoder
from training.encoders.item_graph import ItemGraphEncoder
from training.encoders.number import NumberEncoder
from training.encoders.semantic_id import FittedSemanticId
from training.encoders.table import new_table
from training.encoders.text import TextEncoder
from training.encoders.transformer import TransformerEncoder, build_transformer
from training.encoders.vector import VectorEncoder
from training.item_graph import ItemGraph
from training.pretrained import PretrainedModels
from training.ragged import IntArray
from training.tables import ITEM_ID


@dataclass
class EncoderInputs:
    """What the encoders of one tower are made from.

    `idf_V` is the n-gram weights of each text feature. `item_tables` are the tables of the item tower by
    vocabulary, which a history may share; `tables` collects those of this tower. `cold_rows` are the rows that begin at
    zero, by vocabulary, because training gives this tower nothing to learn them from. `pretrained` are the models that
    tokens features may name, and `transformers` their encoders so far, of which both towers share the backbone.
    `text_tables` are the n-gram tables so far, by n-gram settings, for text features to share; None gives each its own.
    `item_graph` is what the feature over the vocabulary `item_id` reads beside its own row.
    `semantic_ids` are the vector features that are read as semantic IDs, by name.
    """

    dimension: int
    vocabularies: Mapping[str, Vocabulary]
    idf_V: Mapping[str, Tensor]
    item_tables: Mapping[str, nn.Embedding] = field(default_factory=dict)
    tables: dict[str, nn.Embedding] = field(default_factory=dict)
    cold_rows: Mapping[str, IntArray] = field(default_factory=dict)
    pretrained: PretrainedModels = field(default_factory=PretrainedModels)
    transformers: dict[str, TransformerEncoder] = field(default_factory=dict)
    text_tables: dict[tuple[int, int, int], nn.Embedding] | None = None
    item_graph: ItemGraph | None = None
    semantic_ids: Mapping[str, FittedSemanticId] = field(default_factory=dict)

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

    def category_encoder(self, feature: CategoryFeature) -> nn.Module:
        """An encoder of the feature's rows; of an item's and its neighbours', where there is a graph."""
        name = vocabulary_name(feature)
        if self.item_graph is None or name != ITEM_ID:
            return CategoryEncoder(self.table(name))
        return ItemGraphEncoder(self.table(name), self.item_graph, 1 + self.vocabularies[name].oov_buckets)

    def text_encoder(self, feature: TextFeature) -> TextEncoder:
        """An encoder of the feature with its own n-gram weights, and a table of its own unless tables are shared."""
        idf_V, tables = self.idf_V[feature.name], self.text_tables
        if tables is None:
            return TextEncoder(idf_V, self.dimension)
        encoder = TextEncoder(idf_V, self.dimension, tables.get(feature.grams))
        tables[feature.grams] = encoder.table
        return encoder

    def transformer(self, feature: TokensFeature) -> TransformerEncoder:
        """An encoder of the feature's model: one backbone in memory, and projections that begin alike.

        Raises ConfigError when the model cannot be loaded or reads shorter texts.
        """
        folder = self.pretrained.folder(feature.model)
        if feature.max_tokens > folder.max_tokens:
            raise ConfigError(
                f"feature '{feature.name}' has max_tokens = {feature.max_tokens}, but the model '{feature.model}' "
                f"reads at most {folder.max_tokens}; lower it"
            )
        if feature.model in self.transformers:
            return self.transformers[feature.model].sibling()
        self.transformers[feature.model] = build_transformer(folder, self.dimension)
        return self.transformers[feature.model]

    def vector_encoder(self, feature: VectorFeature) -> nn.Module:
        """A projection of the vector, or its semantic ID where that is asked for."""
        if feature.name in self.semantic_ids:
            return self.semantic_ids[feature.name].build(feature.dimension, self.dimension)
        return VectorEncoder(feature.dimension, self.dimension)

    def _new_table(self, vocabulary: str) -> nn.Embedding:
        return new_table(self.vocabularies[vocabulary], self.dimension, self.cold_rows.get(vocabulary))


def build_encoder(feature: Feature, history: HistoryConfig, inputs: EncoderInputs) -> nn.Module:
    """A module that maps the array of `feature` to float32 [B, D]."""
    match feature:
        case TextFeature():
            return inputs.text_encoder(feature)
        case TokensFeature():
            return inputs.transformer(feature)
        case CategoryFeature():
            return inputs.category_encoder(feature)
        case CategoriesFeature():
            return CategoriesEncoder(inputs.table(vocabulary_name(feature)))
        case NumberFeature():
            return NumberEncoder(inputs.dimension)
        case VectorFeature():
            return inputs.vector_encoder(feature)
        case SequenceFeature():
            table = inputs.history_table(feature.vocabulary, history.share_items)
            return history.build(table, feature.max_length)
