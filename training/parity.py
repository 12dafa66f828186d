"""The gate between training and a bundle: the exported graphs must answer as the trained modules do.

Axes: B batch, N rows, D embedding, L levels.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from bundle.columns import EncodedRecords
from bundle.session import OnnxSession, SessionConfig
from training.errors import ExportMismatch
from training.ragged import FloatArray, IntArray

BATCHES = (1, 2, 7, 64)
MAX_DIFFERENCE = 1e-5
CODE_ROWS = 10_000
EQUAL_CODES = 0.999
_PASS_SIZE = 1000


@dataclass(frozen=True)
class Parity:
    """What the gate measured; `equal_codes` is None without a quantizer."""

    max_difference: float
    equal_codes: float | None = None


def check_tower(tower: nn.Module, records: EncodedRecords, path: Path) -> Parity:
    """Compare the graph at `path` with `tower` on batches of `records`; raises ExportMismatch beyond the tolerance.

    The tolerance is 1e-5 absolute for embeddings of length up to 1, and grows with the largest value beyond.
    """
    session = OnnxSession(path, SessionConfig())
    rng = np.random.default_rng(0)
    worst = 0.0
    tower.eval()
    for size in BATCHES:
        arrays = records.batch(rng.integers(0, len(records), size))
        with torch.no_grad():
            expected_BD = tower(*(torch.from_numpy(array) for array in arrays.values())).numpy()
        worst = max(worst, _difference(session.run(arrays)[0], expected_BD, path, f"batch {size}"))
    return Parity(worst)


def check_codec(
    encode: nn.Module, decode: nn.Module, embedding_ND: FloatArray, encode_path: Path, decode_path: Path
) -> Parity:
    """Compare both semantic-ID graphs on 10,000 embeddings (the given ones, and mixtures of them up to that number).

    Raises ExportMismatch when fewer than 99.9 % of rows get equal codes, or a decoded vector differs.
    """
    rows_ND = _enough(embedding_ND)
    code_NL = _by_batch(lambda part: encode(torch.from_numpy(part)).numpy(), rows_ND)
    session = OnnxSession(encode_path, SessionConfig())
    served_NL = _by_batch(lambda part: session.run({"embedding": part})[0], rows_ND)
    equal = float((code_NL == served_NL).all(1).mean())
    if equal < EQUAL_CODES:
        raise ExportMismatch(
            f"{encode_path.name} gives other codes than the trained quantizer on {1 - equal:.2%} of {len(rows_ND)} "
            f"rows; at most {1 - EQUAL_CODES:.1%} may differ",
            file=encode_path.name,
        )
    decoder = OnnxSession(decode_path, SessionConfig())
    worst = 0.0
    for size in BATCHES:
        expected_BD = decode(torch.from_numpy(code_NL[:size])).numpy()
        answer_BD = decoder.run({"codes": code_NL[:size]})[0]
        worst = max(worst, _difference(answer_BD, expected_BD, decode_path, f"batch {size}"))
    return Parity(worst, equal)


def _difference(answer_BD: FloatArray, expected_BD: FloatArray, path: Path, where: str) -> float:
    worst = float(np.abs(answer_BD - expected_BD).max())
    allowed = MAX_DIFFERENCE * max(1.0, float(np.abs(expected_BD).max()))
    if not worst <= allowed:  # NaN fails too
        raise ExportMismatch(
            f"{path.name} differs from the trained model by {worst:.3g} ({where}); at most {allowed:.3g} is allowed",
            file=path.name,
            difference=worst,
        )
    return worst


def _enough(embedding_ND: FloatArray) -> FloatArray:
    missing = CODE_ROWS - len(embedding_ND)
    if missing <= 0:
        return embedding_ND[:CODE_ROWS]
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, len(embedding_ND), (2, missing))
    share_N1 = rng.random((missing, 1), dtype=np.float32)
    mixed_ND = share_N1 * embedding_ND[first] + (1 - share_N1) * embedding_ND[second]
    return np.concatenate([embedding_ND, mixed_ND])


def _by_batch(encode: Callable[[FloatArray], IntArray], rows_ND: FloatArray) -> IntArray:
    parts = [encode(rows_ND[start : start + _PASS_SIZE]) for start in range(0, len(rows_ND), _PASS_SIZE)]
    return np.concatenate(parts)
