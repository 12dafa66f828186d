"""Queries that stand in the item already: its title, a sentence of it, a key phrase. Needs no model."""

import hashlib
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from training.synthetic_queries.pairs import Pair, hash_of, normalise
from training.synthetic_queries.phrases import KeyPhrases, sentences
from training.synthetic_queries.sources.contract import Made, SourceSettings, Surroundings
from training.synthetic_queries.texts import ItemTexts

ExtractKind = Literal["title", "sentence", "key_phrase"]


class ExtractSource(SourceSettings):
    """Titles, sentences and key phrases of the items, as many as an item has."""

    kind: Literal["extract"] = "extract"
    kinds: tuple[ExtractKind, ...] = Field(
        default=("title", "sentence", "key_phrase"), min_length=1, description="What is taken, in turns."
    )
    per_item: int = Field(default=3, ge=1, le=100, description="Queries an item; fewer where an item has not enough.")
    min_words: int = Field(default=3, ge=1, description="Shorter sentences are left out.")
    max_words: int = Field(default=16, ge=1, description="Sentences are cut after this many words.")
    stop_words: Literal["english", "none"] = Field(
        default="english", description="Words that key phrases do not hold; 'none' for other languages."
    )
    seed: int = Field(default=0, ge=0, description="Which sentences, and which kind an item begins with.")

    @model_validator(mode="after")
    def _check(self) -> "ExtractSource":
        if len(set(self.kinds)) < len(self.kinds):
            raise ValueError("kinds repeat; name each once")
        if self.max_words < self.min_words:
            raise ValueError(f"max_words {self.max_words} is below min_words {self.min_words}")
        return self

    def make(self, items: ItemTexts, surroundings: Surroundings) -> Made:
        """Take the kinds in turns, the best key phrase first, sentences in an order drawn for each item.

        What is drawn for an item depends on the seed and its id alone, so that a longer catalogue changes no draw.
        """
        stop_words = frozenset[str]()
        if self.stop_words == "english":
            from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS  # takes a second to import

            stop_words = frozenset(ENGLISH_STOP_WORDS)
        phrases = KeyPhrases.fit(items.texts, stop_words) if "key_phrase" in self.kinds else None
        prompt_hash = hash_of(self.model_dump(mode="json"))
        pairs: list[Pair] = []
        surroundings.progress.start("extract queries", len(items))
        for item_id, title, text in zip(items.item_ids, items.titles, items.texts, strict=True):
            for name, query in self._chosen(item_id, title, text, phrases):
                pairs.append(Pair(item_id, query, "extract", name, prompt_hash))
            surroundings.progress.advance()
        surroundings.progress.finish()
        return Made(pairs)

    def _chosen(self, item_id: str, title: str, text: str, phrases: KeyPhrases | None) -> list[tuple[str, str]]:
        rng = np.random.default_rng(_seed(self.seed, item_id))
        found: dict[str, list[str]] = {}
        for name in self.kinds:
            if name == "title":
                found[name] = [title] if title else []
            elif name == "sentence":
                parts = sentences(text, self.min_words, self.max_words)
                found[name] = [parts[i] for i in rng.permutation(len(parts))]
            elif phrases is not None:
                found[name] = phrases.of(text)
        start = int(rng.integers(len(self.kinds)))
        turns = [*self.kinds[start:], *self.kinds[:start]]
        return _in_turns({name: found[name] for name in turns}, self.per_item)


def _in_turns(found: dict[str, list[str]], most: int) -> list[tuple[str, str]]:
    """One of each kind, then a second of each, up to `most`; what was chosen already is passed over."""
    chosen: list[tuple[str, str]] = []
    had: set[str] = set()
    waiting = {name: iter(queries) for name, queries in found.items()}
    while waiting and len(chosen) < most:
        for name in list(waiting):
            query = next((q for q in waiting[name] if normalise(q) not in had), None)
            if query is None:
                del waiting[name]
            elif len(chosen) < most:
                had.add(normalise(query))
                chosen.append((name, query))
    return chosen


def _seed(seed: int, item_id: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}\0{item_id}".encode()).digest()[:8], "little")
