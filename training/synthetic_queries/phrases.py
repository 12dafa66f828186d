"""Texts that stand in an item already and read like a query: sentences and key phrases. No model, no chance.

Letters: W words of the vocabulary.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from training.ragged import FloatArray

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")
_WORD = re.compile(r"(?u)\b\w[\w'+#-]*")
_LONGEST_PHRASE = 3


def sentences(text: str, least: int, most: int) -> list[str]:
    """The sentences of at least `least` words in their order, each cut after `most` words; repeats once."""
    found = []
    for part in _SENTENCE_END.split(text):
        words = part.split()
        if len(words) >= least:
            found.append(" ".join(words[:most]).strip(" .,;:!?。！？"))
    return list(dict.fromkeys(sentence for sentence in found if sentence))


@dataclass(frozen=True)
class KeyPhrases:
    """Phrases of up to three neighbouring words, ranked by the tf-idf of their words (Salton and Buckley, 1988).

    A phrase does not cross a stop word or punctuation. It scores the sum of its words' tf * idf over the square root of
    their number, so that a long phrase must hold rare words throughout. idf = ln((1 + N) / (1 + df)) + 1.
    """

    row_of: dict[str, int]
    idf_W: FloatArray
    stop_words: frozenset[str]

    @classmethod
    def fit(cls, texts: Sequence[str], stop_words: frozenset[str]) -> "KeyPhrases":
        """Count in how many texts each word stands."""
        from sklearn.feature_extraction.text import TfidfVectorizer  # takes a second to import

        vectorizer = TfidfVectorizer(analyzer=_words)
        vectorizer.fit(texts)
        return cls(vectorizer.vocabulary_, vectorizer.idf_, stop_words)

    def of(self, text: str) -> list[str]:
        """Phrases of `text`, best first; none overlaps a better one."""
        count: dict[str, int] = {}
        for word in _words(text):
            count[word] = count.get(word, 0) + 1
        weight = {word: n * float(self.idf_W[self.row_of[word]]) for word, n in count.items() if word in self.row_of}
        score: dict[tuple[str, ...], float] = {}
        for run in self._runs(text):
            for length in range(1, _LONGEST_PHRASE + 1):
                for start in range(len(run) - length + 1):
                    phrase = tuple(run[start : start + length])
                    if len(set(phrase)) == length:  # a word said twice adds nothing to a query
                        score[phrase] = sum(weight.get(word, 0.0) for word in phrase) / length**0.5
        chosen: list[str] = []
        used: set[str] = set()
        for phrase in sorted(score, key=lambda p: (-score[p], p)):
            if used.isdisjoint(phrase):
                chosen.append(" ".join(phrase))
                used.update(phrase)
        return chosen

    def _runs(self, text: str) -> list[list[str]]:
        """Neighbouring words between stop words and punctuation."""
        runs: list[list[str]] = [[]]
        end = 0
        for match in _WORD.finditer(text):
            word = match.group().casefold()
            if text[end : match.start()].strip():
                runs.append([])
            end = match.end()
            if word in self.stop_words:
                runs.append([])
            else:
                runs[-1].append(word)
        return [run for run in runs if run]


def _words(text: str) -> list[str]:
    return [match.group().casefold() for match in _WORD.finditer(text)]
