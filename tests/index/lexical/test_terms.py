import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.lexical.terms import terms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't use C++ v2.5, x_y!", ["don", "t", "use", "c", "v2", "5", "x_y"]),
        ("Straße STRASSE", ["strasse", "strasse"]),
        ("e\u0301te\u0301 été ÉTÉ", ["été", "été", "été"]),
        ("ﬁne ｆｕｌｌ", ["fine", "full"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("日本語 韓", ["日本", "本語", "韓"]),
        ("ABC株式会社123", ["abc", "株式", "式会", "会社", "123"]),
        ("한국어 검색", ["한국", "국어", "검색"]),
        ("ｶﾞﾗｽ ガラス", ["ガラ", "ラス", "ガラ", "ラス"]),
        ("❤️ ☕ \u202e\u0007 \ud800", []),
        ("", []),
    ],
)
def test_words_of_a_text(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


def test_a_long_run_is_cut() -> None:
    assert terms("a" * 500 + " b") == ["a" * 64, "b"]
    assert terms("ж" * 500) == ["ж" * 64]


@given(st.text(max_size=60))
def test_composed_and_decomposed_text_has_the_same_words(text: str) -> None:
    assert terms(unicodedata.normalize("NFD", text)) == terms(unicodedata.normalize("NFC", text))


@given(st.lists(st.text("abcdefäöü0123_", min_size=1, max_size=10), max_size=8))
def test_upper_and_lower_case_are_one_and_order_is_kept(words: list[str]) -> None:
    assert terms(" ".join(words).upper()) == terms(" ".join(words)) == words
