"""Word pieces of a text: a pretrained model's own tokenizer, as training, the index build and a request read it.

Ids are shifted by one, so that 0 always pads. Axes: T tokens of one text or pair, N pairs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from bundle.errors import BundleCorrupt, ConfigError

IntArray = npt.NDArray[np.int64]
# What stands behind the last token would be cut off anyway, so a text of megabytes is not tokenized to its end.
_CHARACTERS_A_TOKEN = 64


@dataclass(frozen=True)
class PairTokens:
    """Tokens of a query and an item in one row: shifted ids int64 [N, T], 0 pads, and whose they are (0 or 1)."""

    token_NT: IntArray
    part_NT: IntArray


class TextTokenizer:
    """A `tokenizer.json` of the library `tokenizers`; what it makes may be called from many threads."""

    def __init__(self, json: bytes, source: str) -> None:
        """Read the file's content; raises BundleCorrupt that names `source`."""
        self._json = json
        self._source = source
        self.size = self._load().get_vocab_size(with_added_tokens=True)

    def to_json(self) -> bytes:
        """The tokenizer as it stands on disk."""
        return self._json

    def texts(self, max_tokens: int) -> Callable[[str], IntArray]:
        """A function text -> shifted ids int64 [T], T at most `max_tokens`, with the special tokens at both ends.

        A text without any word piece gives an empty array. Raises ConfigError when the limit leaves room for no word.
        """
        tokenizer = self._limited(max_tokens, pair=False)
        specials = tokenizer.num_special_tokens_to_add(False)
        longest = max_tokens * _CHARACTERS_A_TOKEN

        def encode(text: str) -> IntArray:
            ids = tokenizer.encode(text[:longest]).ids
            return np.array(ids if len(ids) > specials else (), dtype=np.int64) + 1

        return encode

    def pairs(self, max_tokens: int) -> Callable[[Sequence[tuple[str, str]]], PairTokens]:
        """A function (query text, item text) pairs -> PairTokens; where both are too long the longer is cut first.

        Raises ConfigError when the limit leaves room for no word.
        """
        tokenizer = self._limited(max_tokens, pair=True)
        longest = max_tokens * _CHARACTERS_A_TOKEN

        def encode(pairs: Sequence[tuple[str, str]]) -> PairTokens:
            encoded = [tokenizer.encode(first[:longest], second[:longest]) for first, second in pairs]
            width = max((len(one.ids) for one in encoded), default=1)
            token_NT, part_NT = np.zeros((2, len(encoded), width), dtype=np.int64)
            for row, one in enumerate(encoded):
                token_NT[row, : len(one.ids)] = np.array(one.ids, dtype=np.int64) + 1
                part_NT[row, : len(one.ids)] = one.type_ids
            return PairTokens(token_NT, part_NT)

        return encode

    def _limited(self, max_tokens: int, *, pair: bool) -> Tokenizer:
        # A tokenizer of its own: limits are state, and files often come with limits and padding of their own.
        tokenizer = self._load()
        specials = tokenizer.num_special_tokens_to_add(pair)
        if max_tokens <= specials:
            raise ConfigError(
                f"max_tokens = {max_tokens} leaves no room beside the {specials} special tokens of {self._source}; "
                "raise it"
            )
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_tokens, strategy="longest_first")
        return tokenizer

    def _load(self) -> Tokenizer:
        try:
            return Tokenizer.from_str(self._json.decode())
        except Exception as error:  # the library raises plain Exception for whatever it cannot read
            raise BundleCorrupt(f"{self._source} is not a tokenizer: {error}", file=self._source) from error
