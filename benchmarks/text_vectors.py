"""Vectors of texts by frozen MiniLM, computed once and kept on disk.

Axes: N texts, T tokens, D 384.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from bundle.columns import EncodedRecords
from bundle.features import TokensFeature
from bundle.featurize import Featurizer
from training.encoders.transformer import build_transformer
from training.model import embed
from training.pretrained import PretrainedConfig, PretrainedModels
from training.ragged import FloatArray

WIDTH = 384
_TEXTS_A_CHUNK = 4096


def minilm_vectors(texts: Sequence[str], cache: Path, max_tokens: int = 96) -> FloatArray:
    """Unit vectors float32 [N, 384] of the texts, zeros for an empty one.

    Kept in `cache` by what they were made from. Raises ConfigError when no package carries MiniLM.
    """
    digest = hashlib.sha256("\0".join([str(max_tokens), *texts]).encode()).hexdigest()[:16]
    path = cache / f"minilm-{digest}.npy"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with path.with_suffix(f".{os.getpid()}").open("wb") as file:
            np.save(file, _embed(texts, max_tokens))
        path.with_suffix(f".{os.getpid()}").replace(path)
    vectors_ND: FloatArray = np.load(path)
    return vectors_ND


def _embed(texts: Sequence[str], max_tokens: int) -> FloatArray:
    feature = TokensFeature(name="text", max_tokens=max_tokens, required=False)
    models = PretrainedModels({"minilm": PretrainedConfig(projection="none", freeze=True)})
    encoder = build_transformer(models.folder("minilm"), WIDTH)
    featurizer = Featurizer([feature], {}, {}, models.tokenizers([feature]))
    vectors_ND = np.empty((len(texts), WIDTH), dtype=np.float32)
    # Texts of like length share a batch, so that little of it is padding.
    by_length = np.argsort([len(text) for text in texts], kind="stable")
    for rows in np.array_split(by_length, -(-len(texts) // _TEXTS_A_CHUNK)):
        encoded: EncodedRecords = featurizer.encode([{"text": texts[row]} for row in rows])
        vectors_ND[rows] = embed(encoder, encoded, torch.device("cpu"), batch_size=64)
    norm_N1 = np.linalg.norm(vectors_ND, axis=1, keepdims=True)
    return (vectors_ND / np.where(norm_N1 > 0, norm_N1, 1)).astype(np.float32)
