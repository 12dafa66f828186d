"""What counts as a word for lexical search, in items and queries alike.

Text is brought to Unicode form NFKC and folded to one case (Unicode Standard, 3.13), so that composed and decomposed
accents, full-width letters, ligatures and ß / SS are one. A word is a run of letters, digits and underscores with
their combining marks, which is what the vowel signs of Indic scripts are. Chinese, Japanese and Korean are written
without spaces or with many endings: a run of their letters gives its overlapping pairs, as Lucene's CJKBigramFilter.
"""

import re
import unicodedata

# Combining marks of the basic plane and of the scripts just above it.
_MARKS = "".join(re.escape(chr(code)) for code in range(0x300, 0x12000) if unicodedata.category(chr(code))[0] == "M")
_CJK = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(rf"\w[\w{_MARKS}]*")
_RUN = re.compile(rf"[{_CJK}][{_CJK}{_MARKS}]*|[^{_CJK}]+")
_IS_CJK = re.compile(f"[{_CJK}]")
# A run of letters may be a whole encoded file.
_LONGEST_WORD = 64


def terms(text: str) -> list[str]:
    """The words of a text in reading order, repeats kept, each cut to 64 characters."""
    found: list[str] = []
    for word in _WORD.findall(unicodedata.normalize("NFKC", text).casefold()):
        if word.isascii():
            found.append(word[:_LONGEST_WORD])
        else:
            for run in _RUN.findall(word):
                found += _pairs(run) if _IS_CJK.match(run) else [run[:_LONGEST_WORD]]
    return found


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]
