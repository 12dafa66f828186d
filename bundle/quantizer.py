"""Semantic-ID encode and decode as served: two ONNX graphs and the range check between them.

Axes: N items, D embedding width, L levels.
"""

import numpy as np
import numpy.typing as npt

from bundle.semantic_id import IntArray, SemanticIdSpace
from bundle.session import OnnxSession

FloatArray = npt.NDArray[np.float32]


class SemanticIdCodec:
    """Turns item embeddings into codes and codes back into embeddings, always in float32."""

    def __init__(self, encode: OnnxSession, decode: OnnxSession, space: SemanticIdSpace) -> None:
        self._encode = encode
        self._decode = decode
        self.space = space

    def encode(self, embeddings_ND: FloatArray) -> IntArray:
        """Codes int64 [N, L]."""
        codes_NL: IntArray = self._encode.run({"embedding": np.ascontiguousarray(embeddings_ND, dtype=np.float32)})[0]
        return codes_NL

    def decode(self, codes_NL: npt.ArrayLike) -> FloatArray:
        """Embeddings float32 [N, D] that the codes stand for; raises InvalidSemanticId."""
        embeddings_ND: FloatArray = self._decode.run({"codes": self.space.check(codes_NL)})[0]
        return embeddings_ND
