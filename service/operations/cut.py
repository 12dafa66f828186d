"""Embeddings cut to a trained width. B records, D embedding width, W width asked for."""

from typing import Literal

import numpy as np

from bundle.manifest import BundleManifest
from service.errors import InvalidRequest
from service.operations.joined import FloatArray


def width_of(manifest: BundleManifest, dimensions: int | None) -> int:
    """The width that `dimensions` asks for; raises InvalidRequest when the bundle was not trained to be cut there."""
    if dimensions is None or dimensions in manifest.widths:
        return dimensions or manifest.dimension
    widths = ", ".join(map(str, manifest.widths))
    raise InvalidRequest(
        f"dimensions is {dimensions}, but this bundle embeds in {widths} and was trained to be cut nowhere else "
        "(Matryoshka); ask for one of these or leave dimensions out",
        param="dimensions",
    )


def cut(embedding_BD: FloatArray, width: int, metric: Literal["cosine", "dot"]) -> FloatArray:
    """The first `width` numbers, float32 [B, W]; of unit length again where the metric is 'cosine'."""
    if width == embedding_BD.shape[1]:
        return embedding_BD
    cut_BW = embedding_BD[:, :width]
    return unit_length(cut_BW) if metric == "cosine" else cut_BW


def unit_length(embedding_BD: FloatArray) -> FloatArray:
    """Every row divided by its length; a row of zeros stays."""
    length_B1 = np.linalg.norm(embedding_BD, axis=1, keepdims=True)
    unit_BD: FloatArray = embedding_BD / np.maximum(length_B1, np.finfo(np.float32).tiny)
    return unit_BD
