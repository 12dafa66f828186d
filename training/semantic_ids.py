"""Semantic IDs of a trained item tower: fit a quantizer on the catalogue's embeddings and measure it.

Axes: N items, D embedding, L levels.
"""

from dataclasses import dataclass
from typing import Literal

from training.quantizers import QuantizerConfig
from training.quantizers.codes import decode_all, encode_all
from training.quantizers.contract import Behaviour, Quantizer, QuantizerData
from training.quantizers.metrics import quantizer_metrics
from training.quantizers.neighbours import neighbour_metrics
from training.ragged import FloatArray, IntArray
from training.stability.churn import Churn
from training.stability.contract import Earlier, StabilityMode


@dataclass(frozen=True)
class SemanticIds:
    """A fitted quantizer, the catalogue's embeddings and codes, how good the codes are, and what changed, if asked.

    `pairs_from`: the part whose pairs of items the prefix hit rates count; None where no query took two.
    """

    quantizer: Quantizer
    embedding_ND: FloatArray
    code_NL: IntArray
    metrics: dict[str, float]
    churn: Churn | None = None
    pairs_from: Literal["test", "training"] | None = None


@dataclass(frozen=True)
class Kept:
    """How to stay near an earlier bundle, and what that bundle says of today's catalogue."""

    mode: StabilityMode
    earlier: Earlier


def fit_semantic_ids(
    config: QuantizerConfig,
    data: QuantizerData,
    seed: int,
    threads: int,
    *,
    held_out: Behaviour | None = None,
    kept: Kept | None = None,
) -> SemanticIds:
    """Fit on all embeddings of the catalogue, and measure prefixes on the pairs of `held_out`, else of `data`.

    Raises BadData when there are fewer embeddings than codes, or `kept` cannot be.
    """
    embedding_ND = data.embedding_ND
    if kept is None:
        quantizer = config.fit(data, seed, threads)
    else:
        quantizer = kept.mode.fit(config, data, kept.earlier, seed, threads)
    code_NL = encode_all(quantizer, embedding_ND)
    decoded_ND = decode_all(quantizer, code_NL)
    pairs_from, behaviour = _pairs(held_out, data.behaviour)
    churn = None if kept is None else Churn.of(kept.earlier, embedding_ND, code_NL)
    metrics = {
        **quantizer_metrics(code_NL, quantizer.codebook_sizes, embedding_ND, decoded_ND, behaviour),
        **neighbour_metrics(embedding_ND, decoded_ND, code_NL, seed),
        **(churn.metrics() if churn else {}),
    }
    return SemanticIds(quantizer, embedding_ND, code_NL, metrics, churn, pairs_from)


def _pairs(
    held_out: Behaviour | None, trained_on: Behaviour | None
) -> tuple[Literal["test", "training"] | None, Behaviour | None]:
    if held_out is not None and held_out.has_pairs:
        return "test", held_out
    return ("training", trained_on) if trained_on is not None and trained_on.has_pairs else (None, None)
