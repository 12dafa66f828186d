"""Semantic IDs: one code a level, a suffix where items share all codes, packed keys for sorting and prefixes.

Axes: N items, L levels. A key is the mixed-radix number of the codes, level 0 most significant.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bundle.errors import ConfigError, InvalidSemanticId

IntArray = npt.NDArray[np.int64]
KeyArray = npt.NDArray[np.uint64]
_TEXT = re.compile(r"(\d+(?:-\d+)*)(?:\+(\d+))?")


@dataclass(frozen=True, order=True)
class SemanticId:
    """The codes of one item and its rank among the items that share them; written `12-200-7` or `12-200-7+1`."""

    codes: tuple[int, ...]
    suffix: int = 0

    def __str__(self) -> str:
        text = "-".join(map(str, self.codes))
        return f"{text}+{self.suffix}" if self.suffix else text

    @classmethod
    def parse(cls, text: str) -> "SemanticId":
        """Read the written form back; raises InvalidSemanticId."""
        match = _TEXT.fullmatch(text)
        if not match:
            raise InvalidSemanticId(f"'{text[:80]}' is not a semantic ID; write it as 12-200-7 or 12-200-7+1")
        return cls(tuple(map(int, match[1].split("-"))), int(match[2] or 0))


class SemanticIdSpace:
    """The code ranges of a quantizer, and the packing of codes into sortable uint64 keys."""

    def __init__(self, codebook_sizes: Sequence[int]) -> None:
        """`codebook_sizes[l]` codes at level l; raises ConfigError when the keys do not fit 64 bits."""
        self.codebook_sizes = tuple(codebook_sizes)
        if not self.codebook_sizes or min(self.codebook_sizes) < 1 or math.prod(self.codebook_sizes) > 2**64:
            raise ConfigError(f"codebook sizes {list(codebook_sizes)} must be positive and fit 64 bits together")
        suffixes = [math.prod(self.codebook_sizes[level + 1 :]) for level in range(self.levels)]
        self._place_L = np.array(suffixes, dtype=np.uint64)

    @property
    def levels(self) -> int:
        """Codes of a full semantic ID."""
        return len(self.codebook_sizes)

    def check(self, codes_NL: npt.ArrayLike) -> IntArray:
        """Return full codes as int64 [N, L]; raises InvalidSemanticId for another length, type or range."""
        try:
            codes = np.asarray(codes_NL)
        except ValueError as error:  # rows of different lengths
            raise InvalidSemanticId(f"a full semantic ID here has {self.levels} whole-number codes") from error
        if codes.ndim != 2 or codes.shape[1] != self.levels or not np.issubdtype(codes.dtype, np.integer):
            raise InvalidSemanticId(f"a full semantic ID here has {self.levels} whole-number codes")
        # A negative index would wrap around silently inside the decode graph.
        bad = np.argwhere((codes < 0) | (codes >= np.array(self.codebook_sizes)))
        if len(bad):
            row, level = map(int, bad[0])
            raise InvalidSemanticId(
                f"semantic ID {row}, level {level}: code {codes[row, level]} is outside "
                f"0..{self.codebook_sizes[level] - 1}",
                position=row,
                level=level,
            )
        return codes.astype(np.int64)

    def pack(self, codes_NL: npt.ArrayLike) -> KeyArray:
        """Keys uint64 [N] whose order is the order of the codes; raises InvalidSemanticId."""
        codes = self.check(codes_NL).astype(np.uint64)
        keys: KeyArray = (codes * self._place_L).sum(axis=1, dtype=np.uint64)
        return keys

    def unpack(self, keys_N: KeyArray) -> IntArray:
        """The codes int64 [N, L] of keys."""
        sizes = np.array(self.codebook_sizes, dtype=np.uint64)
        digits: IntArray = ((keys_N[:, None] // self._place_L) % sizes).astype(np.int64)
        return digits

    def prefix_keys(self, keys_N: KeyArray, length: int) -> KeyArray:
        """The keys uint64 [N] of the first `length` codes alone; equal where these codes are."""
        prefixes: KeyArray = keys_N // self._place_L[length - 1]
        return prefixes

    def prefix_codes(self, prefixes_N: KeyArray, length: int) -> IntArray:
        """The codes int64 [N, length] of what `prefix_keys` gave."""
        return self.unpack(prefixes_N * self._place_L[length - 1])[:, :length]

    def prefix_range(self, prefix: Sequence[int]) -> tuple[int, int]:
        """First and last key that begin with `prefix` (all keys for the empty one); raises InvalidSemanticId."""
        if len(prefix) > self.levels:
            raise InvalidSemanticId(f"prefix {list(prefix)} is longer than the {self.levels} levels")
        low = 0
        for level, code in enumerate(prefix):
            if not 0 <= code < self.codebook_sizes[level]:
                raise InvalidSemanticId(
                    f"prefix {list(prefix)}, level {level}: code {code} is outside 0..{self.codebook_sizes[level] - 1}",
                    level=level,
                )
            low += code * int(self._place_L[level])
        width = int(self._place_L[len(prefix) - 1]) if prefix else math.prod(self.codebook_sizes)
        return low, low + width - 1
