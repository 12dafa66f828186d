import math

import pytest

from tests.training.synthetic_queries.world import TEXTS
from training.synthetic_queries.phrases import KeyPhrases, sentences


def test_sentences_end_at_punctuation_and_lines_and_are_cut() -> None:
    text = "A pan. It fries well! Too short.\nOne two three four five six\nIt fries well!"
    assert sentences(text, 3, 4) == ["It fries well", "One two three four"]
    assert sentences("东京很大。北京也很大！", 1, 5) == ["东京很大", "北京也很大"]
    assert sentences("version 3.11 is out now. yes", 3, 9) == ["version 3.11 is out now"]


def test_a_phrase_scores_as_the_formula_says() -> None:
    texts = ["solar lamp", "lamp", "lamp shade", "pan"]
    phrases = KeyPhrases.fit(texts, frozenset())
    idf = {word: float(phrases.idf_W[row]) for word, row in phrases.row_of.items()}
    assert idf["solar"] == pytest.approx(math.log(5 / 2) + 1)
    assert idf["lamp"] == pytest.approx(math.log(5 / 4) + 1)
    # "solar" alone 1.916; both (1.916 + 1.223) / sqrt(2) = 2.220: the phrase is better.
    assert phrases.of("solar lamp") == ["solar lamp"]
    # With a repeated rare word the word alone wins, and what overlaps it is left out.
    assert phrases.of("solar lamp, solar") == ["solar", "lamp"]  # 3.833 against 3.573
    assert phrases.of("solar solar solar") == ["solar"]


def test_phrases_do_not_cross_stop_words_or_punctuation_and_do_not_overlap() -> None:
    phrases = KeyPhrases.fit(TEXTS, frozenset({"for", "the", "of", "a", "it", "its", "is", "and"}))
    found = phrases.of(TEXTS[5])
    assert found[0] in ("brass bell", "ring", "loud", "clear")
    words = [word for phrase in found for word in phrase.split()]
    assert len(words) == len(set(words))
    assert not {"the", "of", "bicycle its", "bell for"} & set(found)
    assert phrases.of("") == []
