"""A tower as served: records in, embeddings out. B records, D embedding width."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bundle.errors import BundleCorrupt
from bundle.featurize import Featurizer, Record
from bundle.session import OnnxSession

FloatArray = npt.NDArray[np.float32]


class Tower:
    """A featurizer and the graph that reads its arrays."""

    def __init__(self, featurizer: Featurizer, session: OnnxSession, path: Path) -> None:
        """Join the two; raises BundleCorrupt when the graph's inputs are not the features."""
        unused = set(featurizer.names) ^ set(session.input_names)
        if unused:
            raise BundleCorrupt(
                f"{path} reads {', '.join(session.input_names)}, but the feature spec gives "
                f"{', '.join(featurizer.names)}; export the bundle again",
                file=path.name,
            )
        self.featurizer = featurizer
        self.session = session
        self.dimension = session.output_width()

    def embed(self, records: Sequence[Record]) -> FloatArray:
        """Embeddings float32 [B, D] of `records`; raises InvalidRecord."""
        return self.embed_batch(self.featurizer(records))

    def embed_batch(self, arrays: Mapping[str, Any]) -> FloatArray:
        """Embeddings float32 [B, D] of featurized arrays."""
        embedding_BD: FloatArray = self.session.run(arrays)[0]
        return embedding_BD
