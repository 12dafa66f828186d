"""How many semantic IDs change when a catalogue that grew by a twentieth is quantized again, and at what cost.

Axes: N items, D vectors, d projected vectors, B items of a batch, L levels, K codes a level, S seeds.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks.debian_data import debian_synopsis
from benchmarks.parts import Budget, Part
from benchmarks.report import Row
from benchmarks.text_vectors import minilm_vectors
from training.embedding_map import nearest
from training.quantizers.codes import decode_all, encode_all
from training.quantizers.contract import Quantizer, QuantizerData
from training.quantizers.metrics import quantizer_metrics
from training.quantizers.residual import ResidualConfig
from training.ragged import FloatArray, IntArray
from training.stability.churn import churn
from training.stability.contract import Earlier, StabilityMode
from training.stability.match import MatchConfig
from training.stability.measure import MeasureConfig
from training.stability.procrustes import residual, rotation
from training.stability.warm_start import WarmStartConfig

CODES = ResidualConfig(levels=3, codebook_size=256)
KNOWN = 0.95
MODES: Mapping[str, StabilityMode] = {
    "from-scratch": MeasureConfig(),
    "match": MatchConfig(),
    "warm-start-1": WarmStartConfig(strength=1),
    "warm-start-10": WarmStartConfig(strength=10),
    "warm-start-100": WarmStartConfig(strength=100),
    "warm-start-carried-over": WarmStartConfig(passes=0),
}
QUALITY = ("relative_error", "perplexity@1", "perplexity@2", "perplexity@3", "dup_excess@3")
_QUICK_ITEMS = 2000
_WIDTH, _NEAR, _STEPS, _BATCH, _TEMPERATURE = 64, 5, 300, 512, 0.05

PROTOCOL = f"""
The 10,708 Debian descriptions of the synopsis task. {KNOWN:.0%} of them, drawn by seed, are quantized (residual,
{CODES.levels} x {CODES.codebook_size}); then all are, by each mode, with another seed. `churn@l`: share of the earlier
items whose first l codes changed; all else over all items. `frozen-vectors`: MiniLM, unit length, the same in both
trainings. `retrained-tower`: a linear projection to {_WIDTH} dimensions, trained each time from another start on pairs
of near descriptions; `space_residual` is the part of the new vectors that no rotation of the earlier ones explains.
"""


def measure(budget: Budget) -> list[Row]:
    """Rows of both settings, mean and spread over the seeds."""
    task = debian_synopsis(budget.data)
    content_ND = minilm_vectors(task.document_texts(task.exams["test"]), budget.cache)
    if budget.quick:
        content_ND = content_ND[:_QUICK_ITEMS]
    found: dict[tuple[str, str, str], list[float]] = {}
    for seed in range(budget.seeds):
        known_N = np.random.default_rng(seed).random(len(content_ND)) < KNOWN
        settings = {
            "frozen-vectors": (content_ND, content_ND),
            "retrained-tower": (
                projected(content_ND, known_N, seed),
                projected(content_ND, known_N | True, seed + 100),
            ),
        }
        for setting, (old_ND, new_ND) in settings.items():
            for method, metric, value in retrainings(old_ND, new_ND, known_N, seed):
                found.setdefault((f"stability-{setting}", method, metric), []).append(value)
    return [Row.of(*key, values_S) for key, values_S in found.items()]


def retrainings(
    old_ND: FloatArray, new_ND: FloatArray, known_N: np.ndarray, seed: int, codes: ResidualConfig = CODES
) -> Iterator[tuple[str, str, float]]:
    """(method, metric, value) of every mode; `known_N` marks the items that the first training had."""
    before = codes.fit(QuantizerData(old_ND[known_N]), seed, 1)
    earlier = Earlier("earlier", old_ND, encode_all(before, old_ND), before.codebooks)
    moved = residual(old_ND @ rotation(old_ND, new_ND), new_ND)
    for method, mode in MODES.items():
        after = mode.fit(codes, QuantizerData(new_ND), earlier, seed + 100, 1)
        yield from ((method, *row) for row in _measured(after, earlier, new_ND, known_N))
        yield method, "space_residual", moved


def _measured(
    after: Quantizer, earlier: Earlier, new_ND: FloatArray, known_N: np.ndarray
) -> Iterator[tuple[str, float]]:
    code_NL = encode_all(after, new_ND)
    changed = churn(earlier.code_NL[known_N], code_NL[known_N])
    yield from ((f"churn@{length}", share) for length, share in enumerate(changed, start=1))
    quality = quantizer_metrics(code_NL, after.codebook_sizes, new_ND, decode_all(after, code_NL))
    yield from ((name, quality[name]) for name in QUALITY)


def projected(content_ND: FloatArray, known_N: np.ndarray, seed: int) -> FloatArray:
    """float32 [N, d], unit length: a projection that brings near descriptions together, learned from the known ones."""
    rows_N = np.flatnonzero(known_N)
    near_NK, _ = nearest(content_ND[rows_N], np.arange(len(rows_N)), _NEAR)
    content, rng = torch.from_numpy(content_ND[rows_N]), np.random.default_rng(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        project = nn.Linear(content_ND.shape[1], _WIDTH)
    optimizer = torch.optim.Adam(project.parameters(), lr=1e-3)
    for _ in range(_STEPS):
        item_B: IntArray = rng.choice(len(rows_N), min(_BATCH, len(rows_N)), replace=False)
        other_B = near_NK[item_B, rng.integers(0, _NEAR, len(item_B))]
        left_Bd, right_Bd = (functional.normalize(project(content[rows_B])) for rows_B in (item_B, other_B))
        loss = functional.cross_entropy(left_Bd @ right_Bd.T / _TEMPERATURE, torch.arange(len(item_B)))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    with torch.no_grad():
        projected: FloatArray = functional.normalize(project(torch.from_numpy(content_ND))).numpy()
    return projected


STABILITY = Part(PROTOCOL, measure)
