import math
import tempfile
from pathlib import Path

import bm25s
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.lexical import bm25 as module
from index.lexical.bm25 import open_bm25
from index.lexical.terms import terms
from tests.index.lexical.world import index, write

TEXTS = ["a red lamp", "a red red mug of glass", "blue mug", "a b c d e f g h", ""]


def by_hand(query: str, texts: list[str], k1: float = 1.5, b: float = 0.75) -> list[float]:
    """The formula of the module, written a second time."""
    documents = [terms(text) for text in texts]
    mean = sum(map(len, documents)) / len(documents)
    scores = []
    for document in documents:
        score = 0.0
        for word in terms(query):
            f, n = document.count(word), sum(word in other for other in documents)
            if f:
                idf = math.log(1 + (len(documents) - n + 0.5) / (n + 0.5))
                score += idf * f / (f + k1 * (1 - b + b * len(document) / mean))
        scores.append(score)
    return scores


def test_one_score_worked_out(tmp_path: Path) -> None:
    bm25 = index(tmp_path / "lexical", ["red lamp", "mug"], stop_words="none")
    # N 2, n 1, f 1, length 2, mean 1.5: ln 2 / (1 + 1.5 * (0.25 + 0.75 * 2 / 1.5))
    assert bm25.scores("lamp").tolist() == pytest.approx([math.log(2) / 2.875, 0])


@pytest.mark.parametrize("query", ["red", "red red mug", "lamp of glass", "nothing known", "", "a A á"])
@pytest.mark.parametrize(("k1", "b"), [(1.5, 0.75), (0.9, 0.4), (0.0, 0.0), (1.2, 1.0)])
def test_scores_are_the_formula(tmp_path: Path, query: str, k1: float, b: float) -> None:
    bm25 = index(tmp_path / "lexical", TEXTS, stop_words="none", k1=k1, b=b)
    np.testing.assert_allclose(bm25.scores(query), by_hand(query, TEXTS, k1, b), rtol=1e-5)


def test_scores_are_those_of_bm25s(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    texts = [" ".join(f"w{word}" for word in rng.zipf(1.6, 12) % 50) for _ in range(80)]
    bm25 = index(tmp_path / "lexical", texts, stop_words="none")
    theirs = bm25s.BM25(k1=1.5, b=0.75, method="lucene")
    theirs.index([terms(text) for text in texts], show_progress=False)
    for query in ("w1 w2", "w7 w7 w1", "w49 w3 w11 w1"):
        np.testing.assert_allclose(bm25.scores(query), theirs.get_scores(terms(query)), rtol=1e-5)


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.text("abc ", max_size=12), min_size=1, max_size=12).filter(lambda texts: any(map(str.strip, texts))),
    st.text("abc ", max_size=12),
    st.randoms(use_true_random=False),
)
def test_permuted_items_have_permuted_scores(texts: list[str], query: str, random: object) -> None:
    order = list(range(len(texts)))
    random.shuffle(order)  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory() as folder:
        straight = index(Path(folder) / "a", texts, stop_words="none").scores(query)
        permuted = index(Path(folder) / "b", [texts[row] for row in order], stop_words="none").scores(query)
    assert permuted.tolist() == straight[order].tolist()


def test_the_same_words_in_another_order_score_the_same(tmp_path: Path) -> None:
    bm25 = index(tmp_path / "lexical", TEXTS)
    assert bm25.scores("mug red lamp glass").tolist() == bm25.scores("glass lamp red mug").tolist()


def test_mapped_and_read_give_the_same_scores(tmp_path: Path) -> None:
    write(tmp_path / "lexical", TEXTS)
    mapped, read = (open_bm25(tmp_path / "lexical", len(TEXTS), mmap=mmap) for mmap in (True, False))
    assert mapped.scores("red mug").tolist() == read.scores("red mug").tolist() != [0] * len(TEXTS)
    with pytest.raises(ValueError, match="read-only"):
        mapped.share_P[0] = 1


def test_of_a_long_query_the_rarest_words_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bm25 = index(tmp_path / "lexical", ["common rare", "common", "common rarer"], stop_words="none")
    monkeypatch.setattr(module, "MOST_WORDS", 2)
    expected = bm25.scores("rare rarer")
    assert bm25.scores("common common rare rarer").tolist() == expected.tolist()
    assert expected[1] == 0
