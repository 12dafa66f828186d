"""Collisions resolved: every item of a corpus gets a semantic ID of its own, and keeps it in the next build.

N corpus, L levels, D embedding, U different keys. Items that share all codes are told apart by the policy of
`CollisionConfig`. An item that an earlier version holds with the same raw codes keeps its ID, whatever comes or goes
beside it; all others take what is free. Rows are sorted by item id, so the order of the input does not matter.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from bundle.config import Config
from bundle.semantic_id import IntArray, KeyArray, SemanticIdSpace
from index.last_level import Decode, FloatArray, spread
from index.manifest import ResolutionReport

BoolArray = npt.NDArray[np.bool_]


class CollisionConfig(Config):
    """How items that share all codes are told apart."""

    policy: Literal["suffix", "sinkhorn_last"] = Field(
        default="suffix",
        description="'suffix' numbers the items of a group; 'sinkhorn_last' gives each a free code of the last level "
        "near to it, and a suffix only where no code is free.",
    )
    epsilon: float = Field(
        default=0.003, gt=0, le=1, description="Entropy of the plan of 'sinkhorn_last', of costs scaled to -1..1."
    )
    continues: str = Field(
        default="active",
        description="Index version whose items keep their semantic IDs while their raw codes are the same: a name, "
        "'none', or 'active' for the active version if the same bundle embedded it.",
    )


@dataclass(frozen=True)
class EarlierIds:
    """What an earlier version says of this corpus, by row of this corpus; zeros where it does not hold the item."""

    version: str
    is_known_N: BoolArray
    raw_key_N: KeyArray
    key_N: KeyArray
    suffix_N: IntArray


@dataclass(frozen=True)
class Resolved:
    """The semantic IDs of a corpus by row: packed raw codes, packed final codes, suffixes; (key, suffix) is unique."""

    raw_key_N: KeyArray
    key_N: KeyArray
    suffix_N: IntArray
    report: ResolutionReport


def resolve(
    codes_NL: IntArray,
    vectors_ND: FloatArray,
    decode: Decode,
    space: SemanticIdSpace,
    config: CollisionConfig,
    earlier: EarlierIds | None = None,
) -> Resolved:
    """Unique semantic IDs for raw codes of rows sorted by item id; `decode` gives the vectors that codes stand for.

    `report.unresolved` is the number of collisions that only a suffix tells apart. Raises InvalidSemanticId.
    """
    raw_key_N = space.pack(codes_NL)
    key_N, suffix_N = raw_key_N.copy(), np.zeros(len(raw_key_N), dtype=np.int64)
    is_kept_N = np.zeros(len(raw_key_N), dtype=bool)
    if earlier is not None:
        is_kept_N = earlier.is_known_N & (earlier.raw_key_N == raw_key_N)
        key_N[is_kept_N], suffix_N[is_kept_N] = earlier.key_N[is_kept_N], earlier.suffix_N[is_kept_N]
    if config.policy == "sinkhorn_last":
        _separate(key_N, is_kept_N, vectors_ND, decode, space, config.epsilon)
    _number(key_N, suffix_N, is_kept_N)
    report = ResolutionReport(
        policy=config.policy,
        groups=int((np.unique(raw_key_N, return_counts=True)[1] > 1).sum()),
        recoded=int((key_N != raw_key_N).sum()),
        unresolved=int((suffix_N > 0).sum()),
        continues=None if earlier is None else earlier.version,
        kept=int(is_kept_N.sum()),
        changed=0 if earlier is None else _changed(earlier, key_N, suffix_N),
    )
    return Resolved(raw_key_N, key_N, suffix_N, report)


def _separate(
    key_N: KeyArray,
    is_kept_N: BoolArray,
    vectors_ND: FloatArray,
    decode: Decode,
    space: SemanticIdSpace,
    epsilon: float,
) -> None:
    """Write into `key_N` a key of its own for each item whose key is not its own, where its branch has a free one."""
    width = np.uint64(space.codebook_sizes[-1])
    place_N, size_U = np.unique(key_N, return_inverse=True, return_counts=True)[1:]
    is_member_N = ~is_kept_N & (size_U[place_N] > 1)
    held_key_U = np.unique(key_N[~is_member_N])
    rows = np.flatnonzero(is_member_N)
    rows = rows[np.argsort(key_N[rows] // width, kind="stable")]
    branch = key_N[rows] // width
    for members in np.split(rows, np.flatnonzero(branch[1:] != branch[:-1]) + 1 if len(rows) else []):
        if not len(members):
            continue
        first = key_N[members[0]] // width * width
        start, stop = np.searchsorted(held_key_U, first), np.searchsorted(held_key_U, first + (width - 1), side="right")
        free_C = np.delete(np.arange(int(width)), (held_key_U[start:stop] - first).astype(np.int64))
        prefix = space.unpack(np.array([first]))[0, :-1].tolist()
        codes_M = spread(np.asarray(vectors_ND[members]), prefix, free_C, decode, epsilon)
        found_M = codes_M >= 0
        key_N[members[found_M]] = first + codes_M[found_M].astype(np.uint64)


def _number(key_N: KeyArray, suffix_N: IntArray, is_kept_N: BoolArray) -> None:
    """Write the suffixes of the items that keep none: after those kept at their key, in the order of rows."""
    keys_U, place_N = np.unique(key_N, return_inverse=True)
    next_U = np.zeros(len(keys_U), dtype=np.int64)
    np.maximum.at(next_U, place_N[is_kept_N], suffix_N[is_kept_N] + 1)
    fresh = np.flatnonzero(~is_kept_N)
    fresh = fresh[np.argsort(place_N[fresh], kind="stable")]
    suffix_N[fresh] = next_U[place_N[fresh]] + rank_in_run(place_N[fresh])


def rank_in_run(values_N: npt.NDArray[np.generic]) -> IntArray:
    """For sorted values, how many equal ones stand before each."""
    place_N = np.arange(len(values_N))
    is_first_N = np.concatenate([np.ones(min(1, len(values_N)), dtype=bool), values_N[1:] != values_N[:-1]])
    rank_N: IntArray = place_N - np.maximum.accumulate(np.where(is_first_N, place_N, 0))
    return rank_N


def _changed(earlier: EarlierIds, key_N: KeyArray, suffix_N: IntArray) -> int:
    differs_N = (earlier.key_N != key_N) | (earlier.suffix_N != suffix_N)
    return int((earlier.is_known_N & differs_N).sum())
