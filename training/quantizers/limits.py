"""What a catalogue and a key of 64 bits can hold."""

import math
from collections.abc import Sequence

from training.errors import BadData

KEY_BITS = 64  # of the packed semantic ID


def check_items(n_items: int, codebook_size: int, fits: int) -> None:
    """Raise BadData when so few items cannot train so many codes; `fits`: the largest size that they can train."""
    if n_items < codebook_size:
        raise BadData(
            f"{n_items} items cannot train {codebook_size} codes a level; set quantizer.codebook_size to at most "
            f"{max(2, fits)}, or leave the quantizer out",
            items=n_items,
        )


def check_key(sizes: Sequence[int]) -> None:
    """Raise ValueError when the semantic IDs of such codebooks are more than a key can tell apart."""
    if math.prod(sizes) > 2**KEY_BITS:
        raise ValueError(
            f"{len(sizes)} levels of up to {max(sizes)} codes make more semantic IDs than {KEY_BITS} bits can hold; "
            f"use fewer levels, or at most {int(2 ** (KEY_BITS / len(sizes)))} codes a level"
        )
