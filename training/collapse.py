"""Collapse: a tower that gives all records nearly the same embedding, or one axis, however small its loss.

Axes: N records of a sample, D embedding.
"""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from training.batches import Batches, Records
from training.errors import Collapsed
from training.model import DualEncoder

SAMPLE = 512
# With fewer different records than this, close embeddings can be right: ten items may well lie on one axis.
FEWEST = 32
MAX_COSINE = 0.99
MIN_RANK = 1.05
_MOVING_AWAY = 1e-3

Spread = Callable[[], dict[str, float]]


def measure_spread(
    model: DualEncoder, batches: Batches, seed: int, device: torch.device, chunk_size: int = SAMPLE
) -> Spread:
    """Measures, whenever called, how far apart both towers' embeddings of a fixed sample of different records lie.

    `<tower>_cosine` is the mean cosine of two embeddings, `<tower>_rank` the effective rank. A tower with fewer than
    32 different records among its sample is left out. `chunk_size`: records that a tower encodes at a time.
    """
    rng = np.random.default_rng(seed)
    samples: dict[str, tuple[nn.Module, list[Tensor]]] = {}
    for name, tower, records, n in (
        ("query", model.query, batches.examples.encoded, len(batches.examples)),
        ("item", model.item, batches.items, len(batches.items)),
    ):
        arrays = _different(records, rng.choice(n, min(n, SAMPLE), replace=False).astype(np.int64))
        if len(arrays[0]) >= FEWEST:
            samples[name] = (tower, [array.to(device) for array in arrays])

    def spread() -> dict[str, float]:
        found: dict[str, float] = {}
        for name, (tower, arrays) in samples.items():
            cosine, rank = cosine_and_rank(_embed(tower, arrays, chunk_size))
            found |= {f"{name}_cosine": cosine, f"{name}_rank": rank}
        return found

    return spread


def cosine_and_rank(embedding_ND: Tensor) -> tuple[float, float]:
    """Mean cosine of two different rows, and the effective rank exp(H(s / sum s)) of the singular values s.

    Both of rows of unit length, not centred; Roy and Vetterli, EUSIPCO 2007.
    """
    unit_ND = normalize(embedding_ND.double(), dim=1)
    n = len(unit_ND)
    cosine = (unit_ND.sum(0).square().sum() - unit_ND.square().sum()) / (n * (n - 1))
    share_D = torch.linalg.svdvals(unit_ND)
    share_D = share_D / share_D.sum()
    return float(cosine), float(torch.special.entr(share_D).sum().exp())


def check_collapse(before: Mapping[str, float], after: Mapping[str, float], epoch: int, saved: str) -> None:
    """Raise Collapsed when a tower's embeddings are nearly one vector or one axis and do not move away from it.

    `before` and `after` are the spreads before and after the epoch; `saved` says what there is to go on from.
    """
    for name in ("query", "item"):
        if f"{name}_cosine" not in after:
            continue
        cosine, rank = after[f"{name}_cosine"], after[f"{name}_rank"]
        one_vector = cosine > MAX_COSINE and cosine > before.get(f"{name}_cosine", -1.0) - _MOVING_AWAY
        one_axis = rank < MIN_RANK and rank < before.get(f"{name}_rank", np.inf) + _MOVING_AWAY
        if not (one_vector or one_axis):
            continue
        raise Collapsed(
            f"after epoch {epoch} the {name} tower gives different records nearly the same embedding (mean cosine "
            f"{cosine:.4f}, effective rank {rank:.2f}); lower trainer.learning_rate, add negatives, or check that the "
            f"{name} features differ between records and that targets are not all the same item; {saved}",
            epoch=epoch,
            tower=name,
            cosine=cosine,
            rank=rank,
        )


def _different(records: Records, rows: np.ndarray) -> list[Tensor]:
    """The arrays of those rows, each different record once."""
    arrays = list(records.batch(rows).values())
    keys = [b"\0".join(np.ascontiguousarray(array[row]).tobytes() for array in arrays) for row in range(len(rows))]
    first = sorted({key: row for row, key in reversed(list(enumerate(keys)))}.values())
    return [torch.from_numpy(array[first]) for array in arrays]


def _embed(tower: nn.Module, arrays: list[Tensor], chunk_size: int) -> Tensor:
    was_training = tower.training
    tower.eval()
    with torch.no_grad():
        chunks = zip(*(torch.split(array, chunk_size) for array in arrays), strict=True)
        embedding_ND = torch.cat([tower(*chunk) for chunk in chunks])
    tower.train(was_training)
    return embedding_ND
